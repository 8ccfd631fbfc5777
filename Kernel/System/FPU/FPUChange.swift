import Core
import Machine

/// Changing the strategy or the save instruction while everything runs.
///
/// Every CPU comes to a stop with interrupts disabled and gives up its owner: all state is in memory then.
/// One CPU makes the change, and all go on under the new rule.
public enum FPUChange {
  /// Why a save instruction was not changed. Nothing has changed then.
  public enum Refusal: Error, Sendable {
    /// The CPU lacks the instruction.
    case unavailable(SaveInstructionRefusal)
    /// FXSAVE would lose what AVX and AVX-512 programs have in their registers: only the boot line can say so.
    case wouldLoseState

    public var message: StaticString {
      switch self {
      case .unavailable(let refusal): refusal.message
      case .wouldLoseState:
        "FXSAVE and the XSAVE family cannot be exchanged while programs run; use fpu.save= on the boot line"
      }
    }
  }

  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var waiting = AtomicWord()
  nonisolated(unsafe) private static var phase = AtomicWord()

  /// Changes the strategy on all CPUs. No lock is held and interrupts are enabled.
  public static func setStrategy(_ strategy: FPUStrategy) {
    change { KernelFPU.strategy = strategy }
  }

  /// Changes the instruction on all CPUs, and the format of every thread's area with it.
  public static func setInstruction(_ instruction: SaveInstruction) throws(Refusal) {
    let old = KernelFPU.configuration
    if instruction == old.instruction { return }
    let ladder = KernelFPU.ladder!
    if let refusal = ladder.refusal(of: instruction) { throw .unavailable(refusal) }
    let new = ladder.choose(forced: instruction, mxcsrMaskField: old.mxcsrMask).configuration
    if (instruction == .fxsave) != (old.instruction == .fxsave) { throw .wouldLoseState }
    change {
      Threads.forEach { convert($0, from: old, to: new) }
      KernelFPU.install(new)
    }
  }

  /// Rewrites one area in another format, through the standard one.
  private static func convert(_ thread: ThreadPointer, from old: FPUConfiguration, to new: FPUConfiguration) {
    let area = UnsafeMutableRawBufferPointer(start: thread.fpuArea, count: KernelFPU.areaSize)
    let scratch = UnsafeMutableRawBufferPointer(start: KernelFPU.scratchImage, count: KernelFPU.scratchSize)
    old.toStandardFormat(source: UnsafeRawBufferPointer(area), into: scratch, includePKRU: nil)
    let image = UnsafeRawBufferPointer(rebasing: scratch[0..<old.userSize])
    do throws(UserStateError) {
      try new.fromStandardFormat(image, kind: .standard(old.userMask), into: area)
    } catch {
      panic("thread \(thread.pointee.identifier): FPU state not convertible: \(error.message)")
    }
  }

  private static func change(_ body: () -> Void) {
    lock.acquire()
    let others = CPUs.count - 1
    waiting.store(UInt32(others))
    let current = phase.load()
    for number in 0..<CPUs.count where number != Int(cpuNumber()) {
      InterprocessorInterrupts.send(.fpuChange, to: CPUs[number])
    }
    // Interrupts stay enabled: others may wait for this CPU's answer.
    while waiting.load() > 0 { spinHint() }
    disableInterrupts()
    KernelFPU.policy.giveUpOwner()
    body()
    KernelFPU.enableOnThisCPU()
    KernelFPU.policy.resumeAfterChange()
    phase.store(current &+ 1)
    enableInterrupts()
    lock.release()
  }

  /// On every other CPU, with interrupts disabled, until the change is made.
  ///
  /// A kernel SIMD section that the interrupt broke into is finished first: its end serves the request.
  static func join() {
    if cpuFPUKernelSectionOpen() != 0 {
      _ = CPURecord.current.pointee.requests.insert(
        InterprocessorRequest.fpuChange.rawValue)
      return
    }
    KernelFPU.policy.giveUpOwner()
    let current = phase.load()
    waiting.subtract(1)
    while phase.load() == current { spinHint() }
    KernelFPU.enableOnThisCPU()
    KernelFPU.policy.resumeAfterChange()
  }
}
