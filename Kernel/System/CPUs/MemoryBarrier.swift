import Core
import Machine

/// Memory barriers that other CPUs execute for the caller (membarrier(2)).
enum MemoryBarrier {
  /// One at a time: the sender holds it while it waits, with interrupts enabled.
  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var pending = AtomicWord()

  /// Returns once every other CPU that runs with an address space has executed a barrier, and an instruction
  /// that serialises; a restartable sequence that runs there is aborted.
  ///
  /// - Parameter root: nil for all CPUs.
  static func execute(root: PhysicalAddress?) {
    memoryFence()
    if CPUs.count == 1 { return }
    lock.withLock {
      // A CPU that loads the address space later has a barrier in its switch.
      var others: UInt64 = 0
      for number in 0..<CPUs.count where number != Int(cpuNumber()) {
        if root == nil || CPUs[number].pointee.activeRoot == root { others |= 1 << UInt64(number) }
      }
      pending.store(UInt32(others.nonzeroBitCount))
      for number in 0..<CPUs.count where others & (1 << UInt64(number)) != 0 {
        InterprocessorInterrupts.send(.memoryBarrier, to: CPUs[number])
      }
      while pending.load() > 0 { spinHint() }
    }
    memoryFence()
  }

  /// On a target, with interrupts disabled. The interrupt's IRET serialises.
  static func serve() {
    memoryFence()
    let thread = Scheduler.current
    if thread.pointee.restartableSequence.address != 0 { thread.pointee.head.needsSequenceCheck = 1 }
    pending.subtract(1)
  }
}
