import Core
import Machine

/// What a process does with its signals, and the return from a handler.
extension SystemCalls {
  /// The size in bytes of a set of signals, which programs state.
  static var signalSetSize: UInt64 { 8 }

  /// rt_sigaction, as sigaction(2)
  static func rt_sigaction(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.fourth == signalSetSize else { throw .invalid }
    var new: SignalAction?
    if arguments.second != 0 {
      new = UserMemory.load(SignalAction.default, from: arguments.second)
      if new == nil { throw .badAddress }
    }
    guard arguments.first <= 64, let signal = Signal(rawValue: UInt8(arguments.first)),
      new == nil || !SignalSet.unblockable.contains(signal)
    else { throw .invalid }
    let process = Scheduler.current.pointee.process!
    let old = process.signals.actions[signal]
    if let new { try setAction(signal, new, of: process) }
    if arguments.third != 0, !UserMemory.store(old, to: arguments.third) { throw .badAddress }
    return 0
  }

  private static func setAction(_ signal: Signal, _ action: SignalAction, of process: Process) throws(Errno) {
    guard process.signals.actions.prepareToChange() else { throw .outOfMemory }
    var action = action
    action.flags.formIntersection(.known)
    action.mask.subtract(.unblockable)
    process.signalLock.withLock {
      process.signals.actions.set(signal, action)
      guard action.discards(signal) else { return }
      // What has been pending is dropped, blocked or not.
      process.signals.pending.removeAll(SignalSet(signal), free: SignalRecords.free)
      process.forEachThreadWithSignalsLocked {
        $0.pointee.signals.pending.removeAll(SignalSet(signal), free: SignalRecords.free)
      }
    }
  }

  /// rt_sigreturn, as sigreturn(2): has no result of its own.
  static func rt_sigreturn(_ arguments: SystemCallArguments) -> Int64 {
    let thread = Scheduler.current
    if !SignalReturn.run(thread, arguments.frame) {
      let process = thread.pointee.process!
      if !process.signals.actions[.segmentationFault].isHandler {
        log("\(process.label): SIGSEGV, bad frame in rt_sigreturn, rip \(hex: arguments.frame.pointee.rip)")
      }
      Signals.forceSegmentationFault(thread, after: nil)
      return 0
    }
    return Int64(bitPattern: arguments.frame.pointee.rax)
  }

  /// restart_syscall(2): goes on with the call that a stop or a signal without a handler has interrupted.
  static func restart_syscall(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let thread = Scheduler.current
    let restart = thread.pointee.signals.restart
    thread.pointee.signals.restart = .none
    switch restart {
    case .none: throw .interrupted
    case .sleep(let deadline, let remaining): try sleep(until: deadline, remaining: remaining)
    case .futex(let address, let isPrivate, let expected, let bits, let deadline):
      try waitForFutex(address, isPrivate: isPrivate, expected: expected, bits: bits, until: deadline)
    case .poll(let address, let count, let deadline):
      return try pollRestarting(address, count: count, until: deadline)
    }
    return 0
  }
}
