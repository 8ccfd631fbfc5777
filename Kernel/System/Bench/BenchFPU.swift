import Core
import Machine

/// What the FPU costs at a switch: the policy's own calls on a prepared thread, timed with interrupts
/// disabled.
enum BenchFPU {
  private static var repetitions: Int { 20 }

  static func run(into figures: inout BenchFigures) -> Bool {
    guard let thread = Threads.create(process: nil, nice: 0) else { return false }
    defer { Threads.discard(thread) }
    // A user thread as far as the FPU is concerned. It never runs.
    thread.pointee.fpu = FPUThreadState(
      isKernelThread: false, protectionKeyRights: KernelFPU.initialProtectionKeyRights)
    let wereEnabled = Interrupts.disable()
    let nothing = shortest { timeNothing() }
    let save = shortest { timeSave(thread) } - nothing
    let protectionKeys = shortest { timeProtectionKeys(thread) } - nothing
    KernelFPU.returnToUserMode(thread)
    let restoreSkipped = shortest { timeSwitch(thread) } - nothing
    let restored = shortest {
      cpuSetFPUOwner(nil)
      return timeSwitch(thread)
    } - nothing
    // The registers are nobody's again.
    cpuSetFPUOwner(nil)
    Interrupts.restore(wereEnabled)

    figures.add("fpuSave", save)
    figures.add("fpuSwitchRestoreSkipped", restoreSkipped)
    figures.add("protectionKeySwitch", protectionKeys)
    figures.add("fpuSwitchOverheadRestoreSkipped", restoreSkipped - save)
    figures.add("fpuSwitchRestored", restored)
    return true
  }

  private static func shortest(_ time: () -> UInt64) -> UInt64 {
    var shortest = UInt64.max
    for _ in 0..<repetitions { shortest = min(shortest, time()) }
    return shortest
  }

  // In functions of their own, so that nothing around them gets between the two looks at the time.

  @inline(never)
  private static func timeNothing() -> UInt64 {
    let start = readTimeStampCounterWhole()
    return readTimeStampCounterWhole() &- start
  }

  @inline(never)
  private static func timeSave(_ thread: ThreadPointer) -> UInt64 {
    let start = readTimeStampCounterWhole()
    KernelFPU.save(thread)
    return readTimeStampCounterWhole() &- start
  }

  /// What of a switch sees to PKRU, which is no part of the FPU's state and is switched eagerly.
  @inline(never)
  private static func timeProtectionKeys(_ thread: ThreadPointer) -> UInt64 {
    let machine = KernelFPUMachine()
    let start = readTimeStampCounterWhole()
    if machine.hasProtectionKeys { thread.pointee.fpu.protectionKeyRights = machine.protectionKeyRights }
    machine.switchProtectionKeyRights(to: thread.pointee.fpu.protectionKeyRights)
    return readTimeStampCounterWhole() &- start
  }

  /// All that a thread with live registers meets on its way out, in again, and back to user mode.
  @inline(never)
  private static func timeSwitch(_ thread: ThreadPointer) -> UInt64 {
    let start = readTimeStampCounterWhole()
    KernelFPU.switchOut(thread)
    KernelFPU.switchIn(thread)
    KernelFPU.returnToUserMode(thread)
    return readTimeStampCounterWhole() &- start
  }
}
