import Core
import Machine

/// What a thread does about its signals before its next instruction in user mode.
enum SignalDelivery {
  /// On the way back to user mode with `hasSignal` set. Interrupts are enabled and no lock is held.
  static func run(_ frame: UnsafeMutablePointer<TrapFrame>) {
    let thread = Scheduler.current
    thread.pointee.head.hasSignal = 0
    // Whoever sets the flag has stored the reason before. Without the fence this CPU could read the reason
    // while its own store of 0 waits, and then overwrite the flag of a signal that it has not seen.
    memoryFence()
    if isToEnd(thread, frame) { Exit.endThread() }
  }

  /// Whether a thread has anything to see to before its next instruction. The signal lock is held.
  static func isDue(_ process: Process, _ thread: ThreadPointer) -> Bool {
    let pending = thread.pointee.signals.pending.signals.union(process.signals.pending.signals)
    if !pending.isSubset(of: thread.pointee.signals.blocked) || process.isExiting.load() != 0
      || thread.pointee.isToEnd || process.signals.owesContinuedNotice || thread.pointee.signals.hasLostState
    {
      return true
    }
    guard let tracee = thread.pointee.tracee else { return process.signals.isStopping }
    return TraceStops.isAsked(of: tracee, process, thread)
  }

  /// What the next step is.
  private enum Step {
    case finished, end, again, handle, byDefault
  }

  /// The signal that is being seen to.
  private struct Taken {
    var information = SignalInformation.empty
    var action = SignalAction.default
    var continueCount: UInt32 = 0
  }

  /// In a function of its own: no reference to the process may be left where `endThread` does not return.
  ///
  /// - Returns: whether the thread is to end.
  @inline(never)
  private static func isToEnd(_ thread: ThreadPointer, _ frame: UnsafeMutablePointer<TrapFrame>) -> Bool {
    guard let process = thread.pointee.process else { return false }
    if thread.pointee.signals.hasLostState {
      thread.pointee.signals.hasLostState = false
      Signals.post(.fromKernel(.segmentationFault), to: thread)
    }
    var taken = Taken()
    while true {
      switch nextStep(process, thread, &taken) {
      case .again: continue
      case .end: return true
      case .finished:
        // IRET to such an address would fault in the kernel: only a debugger can have put one there.
        if !UserRegisters.isCanonical(frame.pointee.rip) {
          Signals.post(.fromKernel(.segmentationFault), to: thread)
          continue
        }
        finish(thread, frame)
        return false
      case .handle:
        SystemCallRestart.apply(to: frame, handler: taken.action.flags)
        let isStepped = thread.pointee.head.isTraced != 0 && TraceRegisters.hideStep(of: thread, process)
        if !SignalFrame.push(taken.information, taken.action, process, thread, frame) {
          Signals.forceSegmentationFault(thread, after: taken.information.signal)
        }
        if isStepped { TraceStops.handlerBegins(process, thread) }
      case .byDefault:
        if !actByDefault(taken.information, process, taken.continueCount) { return true }
      }
    }
  }

  /// Looks for what is to be done, and stops where that is it.
  @inline(__always)
  private static func nextStep(_ process: Process, _ thread: ThreadPointer, _ taken: inout Taken) -> Step {
    if process.isExiting.load() != 0 || thread.pointee.isToEnd { return .end }
    let wereEnabled = process.signalLock.acquire()
    if process.signals.owesContinuedNotice {
      process.signals.owesContinuedNotice = false
      process.signalLock.release(wereEnabled)
      Processes.tellParent(of: process, WaitStatus.continued)
      return .again
    }
    let blocked = thread.pointee.signals.blocked
    let own = thread.pointee.signals.pending.signals.subtracting(blocked)
    let shared = process.signals.pending.signals.subtracting(blocked)
    let isTraced = thread.pointee.head.isTraced != 0
    if isTraced, !own.union(shared).contains(.kill), TraceStops.stopIfAsked(process, thread, wereEnabled) {
      return .again
    }
    if process.signals.isStopping, !isTraced, !own.union(shared).contains(.kill) {
      GroupStop.stopHere(process, thread, wereEnabled)
      return .again
    }
    guard let signal = own.next ?? shared.next else {
      process.signalLock.release(wereEnabled)
      return .finished
    }
    let record =
      own.isEmpty ? process.signals.pending.take(signal) : thread.pointee.signals.pending.take(signal)
    var unneeded: PendingSignals.Record?
    if let record {
      taken.information = record.pointee.information
      if !record.pointee.isOwned {
        SignalRecords.uncharge(record)
        unneeded = process.signals.keepSpare(record)
      }
    } else {
      taken.information = .fromProcess(signal, process: 0, user: 0)
    }
    taken.continueCount = process.signals.continueCount
    if isTraced, signal != .kill {
      process.signalLock.release(wereEnabled)
      if let unneeded { SignalRecords.free(unneeded) }
      return stepOfTracee(process, thread, &taken)
    }
    taken.action = process.takeSignalAction(signal)
    let isSpared = process.signals.isUnkillable && taken.action.isDefault
    process.signalLock.release(wereEnabled)
    if let unneeded { SignalRecords.free(unneeded) }

    if taken.action.isHandler { return .handle }
    if taken.action.isIgnore || isSpared && !(taken.information.isFromKernel && signal == .kill) { return .again }
    return .byDefault
  }

  /// The tracer has a say in what becomes of a signal.
  @inline(never)
  private static func stepOfTracee(_ process: Process, _ thread: ThreadPointer, _ taken: inout Taken) -> Step {
    guard TraceStops.deliver(&taken.information, process, thread) else { return .again }
    let signal = taken.information.signal
    let isSpared = process.signalLock.withLock {
      taken.action = process.takeSignalAction(signal)
      return process.signals.isUnkillable && taken.action.isDefault
    }
    if taken.action.isHandler { return .handle }
    return taken.action.isIgnore || isSpared ? .again : .byDefault
  }

  /// - Returns: false where the process ends.
  private static func actByDefault(
    _ information: SignalInformation, _ process: Process, _ continueCount: UInt32
  ) -> Bool {
    let signal = information.signal
    switch signal.defaultAction {
    case .ignore, .continue:
      return true
    case .stop:
      // Nobody could let an orphaned group go on that its terminal has stopped.
      if signal != .stop, Processes.lock.withLock({ Processes.isOrphaned(process.group) }) { return true }
      process.signalLock.withLock {
        if process.signals.continueCount == continueCount { GroupStop.begin(process, signal) }
      }
      return true
    case .terminate:
      process.exit(status: WaitStatus.killed(by: signal))
      return false
    case .dumpCore:
      CoreDump.end(process, by: signal, information)
      return false
    }
  }

  /// No signal is left: what a call that was interrupted is to do where no handler ran.
  private static func finish(_ thread: ThreadPointer, _ frame: UnsafeMutablePointer<TrapFrame>) {
    SystemCallRestart.apply(to: frame, handler: nil)
    guard let mask = thread.pointee.signals.savedMask else { return }
    thread.pointee.signals.savedMask = nil
    SignalMask.set(mask, of: thread)
  }
}

extension TrapFrame {
  /// Whether the frame is that of a system call, of x86-64 or of i386.
  @inline(__always)
  var isOfSystemCall: Bool { vector == UInt64(SYSTEM_CALL_VECTOR) || vector == UInt64(I386_CALL_VECTOR) }
}

extension SystemCallRestart {
  /// Makes the frame of a call that was interrupted say how it goes on; nothing for any other frame.
  ///
  /// The call is told from its frame once: after that it says that no call is in progress.
  static func apply(to frame: UnsafeMutablePointer<TrapFrame>, handler: SignalActionFlags?) {
    guard frame.pointee.isOfSystemCall, frame.pointee.errorCode != .max else { return }
    switch decide(result: frame.pointee.rax, handler: handler) {
    case .none:
      break
    case .interrupted:
      frame.pointee.rax = UInt64(bitPattern: -Errno.interrupted.number)
    case .again:
      frame.pointee.rax = frame.pointee.errorCode
      frame.pointee.rip &-= instructionLength
    case .resumed:
      let isI386 = Scheduler.current.pointee.signals.restartsI386Call
      frame.pointee.rax = isI386 ? I386CallNumbers.resumingCall : resumingCall
      frame.pointee.rip &-= instructionLength
    }
    frame.pointee.errorCode = .max
  }
}
