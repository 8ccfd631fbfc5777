import Core
import Machine

extension UnsafeMutablePointer where Pointee == Thread {
  /// What its tracer wants to see of its system calls: some of TRACED_CALLS_*. Its process's signal lock is held.
  func setTracedCalls(_ wanted: Int32) {
    let own = pointee.head.tracedCalls & UInt8(TRACED_CALLS_DISPATCHED)
    pointee.head.tracedCalls = own | UInt8(wanted)
  }
}

/// A system call of a tracee whose tracer wants to see it.
enum TracedCall {
  /// Before the call: the tracer may have it be another one, or none.
  ///
  /// - Returns: the call's number; nil where none is to be made.
  @inline(never)
  static func begin(_ frame: UnsafeMutablePointer<TrapFrame>) -> UInt64? {
    let thread = Scheduler.current
    let wanted = thread.pointee.head.tracedCalls
    guard wanted & UInt8(TRACED_CALLS_STOP | TRACED_CALLS_EMULATED) != 0 else {
      return frame.pointee.errorCode & 0xFFFF_FFFF
    }
    // What a call that is not made gives, unless the tracer says otherwise.
    frame.pointee.rax = UInt64(bitPattern: -Errno.notImplemented.number)
    TraceStops.systemCall(isEntry: true)
    if wanted & UInt8(TRACED_CALLS_EMULATED) != 0 || TraceStops.isCurrentEnding { return nil }
    // The lower half alone is the number; -1 leaves RAX as the tracer has set it.
    let number = UInt32(truncatingIfNeeded: frame.pointee.errorCode)
    return number == .max ? nil : UInt64(number)
  }

  /// After it.
  @inline(never)
  static func end(_ frame: UnsafeMutablePointer<TrapFrame>) {
    let thread = Scheduler.current
    let wanted = thread.pointee.head.tracedCalls
    if wanted & UInt8(TRACED_CALLS_STEP) != 0 {
      // The instruction is over.
      Signals.post(
        .fault(.trap, code: SignalCode.breakpoint, address: frame.pointee.rip), to: thread)
    } else if wanted & UInt8(TRACED_CALLS_STOP) != 0 {
      TraceStops.systemCall(isEntry: false)
    }
  }
}
