import Core
import Machine

/// SIMD in the kernel: a scoped call inside which the FPU and SIMD registers are the kernel's.
///
///     try KernelSIMD.withRegisters { simdXORBlocksSSE2(destination, source, count) }
///
/// The routines called inside are assembly with the prefix `simd` or `fpu`: compiled code has no such
/// instruction. Registers come in their initial state and are put back into it, so that neither the
/// interrupted program's control words matter nor any of the kernel's data stays readable.
public enum KernelSIMD {
  /// Why a section was not opened. Nothing has changed then; the caller does its work in integers.
  public enum Refusal: Error, Sendable {
    /// This CPU's FPU has not been set up yet.
    case notSetUp
    /// The caller is inside a section already.
    case nested
    /// The caller is an interrupt that broke into a section.
    case brokeIntoSection

    public var message: StaticString {
      switch self {
      case .notSetUp: "kernel SIMD refused: the FPU of this CPU is not set up"
      case .nested: "kernel SIMD refused: a section cannot be opened inside another"
      case .brokeIntoSection: "kernel SIMD refused: this interrupt broke into a section"
      }
    }
  }

  /// Calls `body` with the registers free for use, in a thread or an interrupt.
  ///
  /// Preemption is off meanwhile, so `body` is to be short and must not sleep; interrupts stay as they were.
  public static func withRegisters<Result>(_ body: () -> Result) throws(Refusal) -> Result {
    Preemption.disable()
    let wereEnabled = Interrupts.disable()
    if let refusal = open() {
      Interrupts.restore(wereEnabled)
      Preemption.enable()
      throw refusal
    }
    Interrupts.restore(wereEnabled)

    let result = body()

    disableInterrupts()
    KernelFPU.policy.endKernelSection()
    // An interrupt that broke in may have left its request to the end of the section (`FPUChange.join`).
    // Where interrupts were disabled all along none did, and what is pending is served by its interrupt.
    if wereEnabled, CPURecord.current.pointee.requests.load() != 0 {
      InterprocessorInterrupts.serve()
    }
    Interrupts.restore(wereEnabled)
    Preemption.enable()
    return result
  }

  /// Opens the section. Interrupts are disabled.
  ///
  /// The mark of an open section is 1 in a thread and more in an interrupt, which tells the refusals apart.
  private static func open() -> Refusal? {
    if cpuFPUReady() == 0 { return .notSetUp }
    let mark = cpuInterruptDepth() &+ 1
    do throws(KernelSectionRefusal) {
      try KernelFPU.policy.beginKernelSection()
    } catch {
      return cpuFPUKernelSectionOpen() == mark ? .nested : .brokeIntoSection
    }
    cpuSetFPUKernelSectionOpen(mark)
    return nil
  }
}
