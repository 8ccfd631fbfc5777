import Core
import Machine

nonisolated(unsafe) private var panicking = AtomicWord()

/// The kernel cannot go on: prints the reason and a backtrace, stops every CPU, and ends the machine with
/// the panic status.
public func panic(_ reason: Message) -> Never {
  disableInterrupts()
  beginPanic()
  Console.print("\npanic on CPU \(cpuNumber()): \(reason)")
  if cpuCurrentThread() != nil { Console.print("  in thread \(Scheduler.current.pointee.identifier)") }
  Backtrace.print(from: readFramePointer())
  finishPanic()
}

/// As above, for a fault in the kernel: with the registers at the fault.
public func panic(_ reason: Message, at frame: UnsafePointer<TrapFrame>) -> Never {
  disableInterrupts()
  beginPanic()
  let registers = frame.pointee
  Console.print("\npanic on CPU \(cpuNumber()): \(reason)")
  if cpuCurrentThread() != nil { Console.print("  in thread \(Scheduler.current.pointee.identifier)") }
  Console.print("  rip \(hex: registers.rip) cs \(hex: registers.cs) flags \(hex: registers.rflags)")
  Console.print("  rsp \(hex: registers.rsp) rbp \(hex: registers.rbp) error \(hex: registers.errorCode)")
  Console.print("  rax \(hex: registers.rax) rbx \(hex: registers.rbx) rcx \(hex: registers.rcx)")
  Console.print("  rdx \(hex: registers.rdx) rsi \(hex: registers.rsi) rdi \(hex: registers.rdi)")
  Console.print("  r8 \(hex: registers.r8) r9 \(hex: registers.r9) r10 \(hex: registers.r10)")
  Console.print("  r11 \(hex: registers.r11) r12 \(hex: registers.r12) r13 \(hex: registers.r13)")
  Console.print("  r14 \(hex: registers.r14) r15 \(hex: registers.r15)")
  Console.print("  cr0 \(hex: readCR0()) cr2 \(hex: readCR2()) cr3 \(hex: readCR3()) cr4 \(hex: readCR4())")
  Backtrace.printFrame(registers.rip)
  if registers.cs & 3 == 0 { Backtrace.print(from: registers.rbp) }
  finishPanic()
}

/// Only the first CPU that panics reports; the others stop.
private func beginPanic() {
  if panicking.exchange(1) != 0 { haltForever() }
  CPUs.stopOthers()
  Console.unlock()
}

private func finishPanic() -> Never {
  Shutdown.finish(.panicked)
}

/// The end of the machine.
public enum Shutdown {
  /// Ends the machine: says so on the console, then leaves through QEMU's exit device, and halts where there
  /// is none.
  public static func finish(_ status: ExitStatus) -> Never {
    disableInterrupts()
    switch status {
    case .passed: Console.print("# needletail: exit status passed")
    case .failed: Console.print("# needletail: exit status failed")
    case .panicked: Console.print("# needletail: exit status panicked")
    }
    debugExit(status)
    haltForever()
    while true {}
  }
}

