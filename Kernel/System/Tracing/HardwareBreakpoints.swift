import Core
import Machine

/// The CPU's debug registers, which are those of the thread that runs where a tracer has set some.
///
/// DR7 is set while such a thread runs, in its kernel code too: they are loaded by the switch, not by each entry. What
/// the kernel's own accesses to the program's memory hit counts for nothing, as on Linux.
enum HardwareBreakpoints {
  /// A tracer writes one of its frozen tracee's; the tracee's next turn on a CPU loads them.
  static func write(_ value: UInt64, to number: Int, of thread: ThreadPointer) throws(Errno) {
    defer { thread.pointee.head.hasBreakpoints = thread.pointee.debugRegisters.isActive ? 1 : 0 }
    try thread.pointee.debugRegisters.write(value, to: number, addressLimit: UserMemory.limit)
  }

  /// One of the two threads of a switch has some. Interrupts are disabled.
  @inline(never)
  static func switchOver(to next: ThreadPointer) {
    // Nothing is enabled while addresses change.
    writeDR7(DebugRegisters.noneEnabled)
    guard next.pointee.head.hasBreakpoints != 0 else { return }
    if let address = next.pointee.debugRegisters.hardwareAddress(0) { writeDR0(address) }
    if let address = next.pointee.debugRegisters.hardwareAddress(1) { writeDR1(address) }
    if let address = next.pointee.debugRegisters.hardwareAddress(2) { writeDR2(address) }
    if let address = next.pointee.debugRegisters.hardwareAddress(3) { writeDR3(address) }
    writeDR7(next.pointee.debugRegisters.hardwareControl)
  }

  /// The current thread begins a new program, whose addresses mean something else (execve(2)).
  static func startProgram(_ thread: ThreadPointer) {
    Interrupts.withDisabled {
      if thread.pointee.head.hasBreakpoints != 0 { writeDR7(DebugRegisters.noneEnabled) }
      thread.pointee.head.hasBreakpoints = 0
      thread.pointee.debugRegisters = DebugRegisters()
    }
  }

  /// A debug exception in user mode. Interrupts are disabled.
  ///
  /// - Returns: the signal for it; nil for none.
  @inline(never)
  static func trapped(
    _ thread: ThreadPointer, _ frame: UnsafeMutablePointer<TrapFrame>
  ) -> SignalInformation? {
    let status = readDR6()
    writeDR6(DebugRegisters.statusReserved)
    let trap = thread.pointee.debugRegisters.trapped(status)
    if trap.isBeforeInstruction { frame.pointee.rflags |= UserRegisters.resumeFlag }
    guard let code = trap.code else { return nil }
    return .fault(.trap, code: code, address: frame.pointee.rip)
  }

  /// A debug exception in kernel mode: the kernel's access to watched memory, or one that MOV SS or POP SS in user mode
  /// has put off until behind the entry (Intel SDM volume 3, section 6.8.3). The CPU leaves DR6 as it is.
  static func trappedInKernel(_ frame: UnsafeMutablePointer<TrapFrame>) {
    writeDR6(DebugRegisters.statusReserved)
    frame.pointee.rflags &= ~UserRegisters.trapFlag
  }
}
