import Core
import Machine

/// The last words of a machine that stands still: who watches it from outside sends a non-maskable interrupt (`nmi` in
/// QEMU's monitor), which comes through whatever interrupts and locks are held.
enum StandstillReport {
  /// CPUs that the interrupt has reached, and those that have said where.
  nonisolated(unsafe) private static var arrived = AtomicWord()
  nonisolated(unsafe) private static var reported = AtomicWord()

  /// Each CPU says in its turn what it was doing. The first one then lists the threads and ends the machine as
  /// panicked.
  @inline(never)
  static func take(_ frame: UnsafePointer<TrapFrame>) -> Never {
    let turn = arrived.add(1)
    waitUntil { reported.load() >= turn }
    if turn == 0 {
      // Whoever holds the console's lock never goes on.
      Console.unlock()
      Console.print("\nnon-maskable interrupt: what does each CPU do?")
    }
    describe(frame)
    reported.add(1)
    if turn > 0 { haltForever() }
    waitUntil { reported.load() >= UInt32(CPUs.count) }
    ThreadReport.print(limit: 64, takesLock: false)
    Shutdown.finish(.panicked)
  }

  private static func describe(_ frame: UnsafePointer<TrapFrame>) {
    let flags: Message = frame.pointee.rflags & RFLAGS_INTERRUPT != 0 ? "" : ", interrupts disabled"
    let level: Message = frame.pointee.cs & 3 == 0 ? "in the kernel" : "in a program"
    Console.print(
      "CPU \(cpuNumber()) \(level), preemption disabled \(cpuPreemptionDisabled()) times\(flags)")
    Backtrace.printFrame(frame.pointee.rip)
    if frame.pointee.cs & 3 == 0 { Backtrace.print(from: frame.pointee.rbp) }
  }

  /// Waits a second at most: a CPU that does not come is stuck for good.
  private static func waitUntil(_ condition: () -> Bool) {
    let deadline = readTimeStampCounter() &+ Time.ticks(nanoseconds: 1_000_000_000)
    while !condition(), readTimeStampCounter() < deadline { spinHint() }
  }
}
