import Core
import Machine

/// /proc/PID/syscall: where a thread waits.
enum ProcessSystemCall {
  /// Throws EPERM where the reader may not trace the process, ESRCH where the thread has gone.
  static func write(_ process: Process, thread wanted: Int32?, to text: inout TextBuffer) throws(Errno) {
    guard ProcessAccess.mayInspect(process) else { throw .notPermitted }
    let identifier = wanted ?? process.identifier
    var isFound = false
    var line: SystemCallLine?
    process.forEachThread { thread in
      if thread.pointee.identifier == identifier {
        isFound = true
        line = look(at: thread)
      }
    }
    if !isFound {
      // The first thread of a process has ended, and has not been waited for.
      guard identifier == process.identifier else { throw .noProcess }
      line = SystemCallLine()
    }
    // What was seen may be of a program that the process has begun since.
    guard ProcessAccess.mayInspect(process) else { throw .notPermitted }
    if let line { line.write(to: &text) } else { text.put("running\n") }
  }

  /// - Returns: nil for a thread that runs or could.
  private static func look(at thread: ThreadPointer) -> SystemCallLine? {
    if thread == Scheduler.current { return SystemCallLine(of: thread.userFrame) }
    // While the lock is held, a thread that is switched out stays so, and its frame as it is.
    return Scheduler.withQueue(of: thread) { cpu in
      switch thread.pointee.state {
      case .blocked, .frozen: cpu.pointee.running == thread ? nil : SystemCallLine(of: thread.userFrame)
      case .ended: SystemCallLine()
      case .runnable, .new: nil
      }
    }
  }
}

extension SystemCallLine {
  /// - Parameter frame: what the last entry from user mode has left.
  fileprivate init(of frame: UnsafeMutablePointer<TrapFrame>) {
    self.init()
    stackPointer = frame.pointee.rsp
    instructionPointer = frame.pointee.rip
    guard frame.pointee.isOfSystemCall, frame.pointee.errorCode != .max else { return }
    number = Int32(truncatingIfNeeded: frame.pointee.errorCode)
    if frame.pointee.vector == UInt64(I386_CALL_VECTOR) {
      arguments = (
        frame.pointee.rbx, frame.pointee.rcx, frame.pointee.rdx, frame.pointee.rsi, frame.pointee.rdi,
        frame.pointee.rbp
      )
    } else {
      arguments = (
        frame.pointee.rdi, frame.pointee.rsi, frame.pointee.rdx, frame.pointee.r10, frame.pointee.r8,
        frame.pointee.r9
      )
    }
  }
}
