import Core
import Machine

/// System calls that are left to the program (prctl(2), PR_SET_SYSCALL_USER_DISPATCH), for each thread by itself.
///
/// A new thread has none, a new process neither, and execve(2) ends it.
enum SystemCallDispatch {
  /// Before anything else is done about a call, a tracer's stop included: what the number and the arguments mean is the
  /// program's affair. The frame is as the instruction has left it.
  ///
  /// - Returns: whether the call is not the kernel's, and all that there is to do has been done.
  @inline(never)
  static func takes(_ frame: UnsafeMutablePointer<TrapFrame>) -> Bool {
    let thread = Scheduler.current
    guard thread.pointee.head.tracedCalls & UInt8(TRACED_CALLS_DISPATCHED) != 0 else { return false }
    let decision = thread.pointee.ownCalls.decide(callBefore: frame.pointee.rip) {
      UserMemory.load(0 as UInt8, from: $0)
    }
    switch decision {
    case .made: return false
    case .dispatched:
      Signals.post(
        .systemCall(
          Int32(truncatingIfNeeded: frame.pointee.errorCode), after: frame.pointee.rip,
          isI386: frame.pointee.vector == UInt64(I386_CALL_VECTOR)),
        to: thread)
    case .unreadable: endProcess(by: .segmentationFault, thread, frame)
    case .meaningless: endProcess(by: .badSystemCall, thread, frame)
    }
    return true
  }

  /// A signal that neither the program nor a tracer has a say in.
  private static func endProcess(
    by signal: Signal, _ thread: ThreadPointer, _ frame: UnsafeMutablePointer<TrapFrame>
  ) {
    guard let process = thread.pointee.process else { return }
    // As Linux has it, a core shows a call that has begun.
    frame.pointee.rax = UInt64(bitPattern: -Errno.notImplemented.number)
    CoreDump.end(process, by: signal, .fromKernel(signal))
    // The thread ends on its way back.
    thread.pointee.head.hasSignal = 1
  }

  /// The current thread is to have these.
  static func set(_ calls: OwnSystemCalls, of thread: ThreadPointer) {
    thread.pointee.ownCalls = calls
    let flag = UInt8(TRACED_CALLS_DISPATCHED)
    thread.pointee.process?.signalLock.withLock {
      if calls.isOn { thread.pointee.head.tracedCalls |= flag } else { thread.pointee.head.tracedCalls &= ~flag }
    }
  }

  /// The current thread begins a new program.
  static func end(of thread: ThreadPointer) {
    if thread.pointee.ownCalls.isOn { set(OwnSystemCalls(), of: thread) }
  }
}
