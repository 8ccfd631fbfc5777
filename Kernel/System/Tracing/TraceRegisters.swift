import Core
import Machine

/// The general registers of a thread as its tracer sees them: of the current thread, or of one that is frozen.
///
/// They lie in the frame that the last entry from user mode has left; DS, ES, FS, GS and the bases in the thread's record.
enum TraceRegisters {
  /// Where the frame's words are, by the index in `UserRegisters`; nil for what it does not have.
  ///
  /// The frame has the vector before the original RAX, which Linux's structure does not.
  private static func frameWord(_ index: Int) -> Int? {
    if index < UserRegisters.originalRAX { return index }
    return index > UserRegisters.originalRAX && index <= UserRegisters.ss ? index + 1 : nil
  }

  private static func words(of thread: ThreadPointer) -> UnsafeMutablePointer<UInt64> {
    // SAFETY: the frame is 22 words, and stays as long as the thread does.
    UnsafeMutableRawPointer(thread.userFrame).assumingMemoryBound(to: UInt64.self)
  }

  /// - Parameter index: one of `UserRegisters`.
  static func read(_ index: Int, of thread: ThreadPointer, hidesTrapFlag: Bool) -> UInt64 {
    if let word = frameWord(index) {
      let value = words(of: thread)[word]
      switch index {
      case UserRegisters.flags: return hidesTrapFlag ? value & ~UserRegisters.trapFlag : value
      case UserRegisters.cs, UserRegisters.ss: return value & 0xFFFF
      default: return value
      }
    }
    switch index {
    case UserRegisters.originalRAX:
      return thread.userFrame.pointee.isOfSystemCall ? thread.userFrame.pointee.errorCode : .max
    case UserRegisters.fsBase: return thread.pointee.fsBase
    case UserRegisters.gsBase: return thread.pointee.gsBase
    default: return thread.pointee.segmentSelectors >> UserRegisters.selectorShift(index) & 0xFFFF
    }
  }

  /// All of them.
  static func read(of thread: ThreadPointer, hidesTrapFlag: Bool) -> InlineArray<27, UInt64> {
    var registers = InlineArray<27, UInt64>(repeating: 0)
    for index in 0..<UserRegisters.count {
      registers[index] = read(index, of: thread, hidesTrapFlag: hidesTrapFlag)
    }
    return registers
  }

  /// Changes a register of a frozen tracee.
  ///
  /// - Throws: EIO for a value that it cannot have.
  static func write(_ value: UInt64, to index: Int, of tracee: Tracee, _ thread: ThreadPointer) throws(Errno) {
    guard UserRegisters.mayWrite(value, to: index, addressLimit: UserMemory.limit) else { throw .inputOutput }
    let frame = thread.userFrame
    switch index {
    case UserRegisters.flags:
      var value = value
      if value & UserRegisters.trapFlag != 0 {
        // It is the program's own from now on.
        tracee.hasForcedTrapFlag = false
      } else if tracee.hasForcedTrapFlag {
        value |= UserRegisters.trapFlag
      }
      frame.pointee.rflags = UserRegisters.flags(frame.pointee.rflags, changedTo: value)
    case UserRegisters.originalRAX:
      // What is no call may become one again: a debugger puts back what it has found.
      if !frame.pointee.isOfSystemCall {
        if Int64(bitPattern: value) < 0 { break }
        frame.pointee.vector = UInt64(SYSTEM_CALL_VECTOR)
      }
      frame.pointee.errorCode = value
    // What cannot be loaded faults on the way to user mode, on the program's account.
    case UserRegisters.cs: frame.pointee.cs = value & 0xFFFF
    case UserRegisters.ss: frame.pointee.ss = value & 0xFFFF
    case UserRegisters.fsBase: thread.pointee.fsBase = value
    case UserRegisters.gsBase: thread.pointee.gsBase = value
    case UserRegisters.otherSelectors:
      Segments.setSelector(value & 0xFFFF, at: UserRegisters.selectorShift(index), of: thread)
    default: if let word = frameWord(index) { words(of: thread)[word] = value }
    }
  }

  // MARK: Single steps

  /// Has a frozen tracee stop after its next instruction.
  static func beginStep(of tracee: Tracee, _ thread: ThreadPointer) {
    guard thread.userFrame.pointee.rflags & UserRegisters.trapFlag == 0 else { return }
    tracee.hasForcedTrapFlag = true
    thread.userFrame.pointee.rflags |= UserRegisters.trapFlag
  }

  /// Takes back what `beginStep` has done. The thread is frozen, or the current one.
  static func endStep(of tracee: Tracee, _ thread: ThreadPointer) {
    guard tracee.hasForcedTrapFlag else { return }
    tracee.hasForcedTrapFlag = false
    thread.userFrame.pointee.rflags &= ~UserRegisters.trapFlag
  }

  /// A handler is about to begin, whose frame must not show the tracer's trap flag.
  ///
  /// - Returns: whether the thread goes on by single steps.
  static func hideStep(of thread: ThreadPointer, _ process: Process) -> Bool {
    process.signalLock.withLock {
      guard let tracee = thread.pointee.tracee else { return false }
      endStep(of: tracee, thread)
      return thread.pointee.head.tracedCalls & UInt8(TRACED_CALLS_STEP) != 0
    }
  }
}
