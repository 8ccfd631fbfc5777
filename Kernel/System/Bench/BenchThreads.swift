import Core
import Machine

/// What kernel threads cost: a switch among few and among many, and a thread's whole life.
enum BenchThreads {
  nonisolated(unsafe) private static var isOver = AtomicWord()
  nonisolated(unsafe) private static var runnerCount = AtomicWord()

  static func run(into figures: inout BenchFigures) -> Bool {
    guard let life = lifeTicks() else { return false }
    figures.add("kernelThreadCreateAndEnd", life)
    let counts: InlineArray<5, Int> = [2, 10, 100, 1000, 10_000]
    for index in 0..<5 {
      guard let ticks = switchTicks(among: counts[index]) else {
        log("bench: no memory for \(counts[index]) threads; the larger numbers are left out")
        break
      }
      figures.add("switchAmong\(counts[index])KernelThreads", ticks)
    }
    return true
  }

  /// Ticks from the call that makes a thread to the return from the switch away from its end.
  private static func lifeTicks() -> UInt64? {
    var shortest = UInt64.max
    for _ in 0..<20 {
      let start = readTimeStampCounter()
      if !Threads.startKernelThread({ _ in }) { return nil }
      Scheduler.yield()
      shortest = min(shortest, readTimeStampCounter() &- start)
    }
    return shortest
  }

  /// Ticks of a switch where `count` kernel threads give way to each other in turn, this one among them.
  ///
  /// Interrupts are disabled meanwhile in all of them, so that nothing else is in the figure.
  ///
  /// - Returns: nil where there is not memory for so many.
  private static func switchTicks(among count: Int) -> UInt64? {
    isOver.store(0)
    runnerCount.store(0)
    var started = 0
    while started < count - 1, startRunner() { started += 1 }
    while runnerCount.load() < UInt32(started) { Scheduler.yield() }

    let wereEnabled = Interrupts.disable()
    let cpu = CPURecord.current
    var shortest = UInt64.max
    for _ in 0..<3 {
      let switches = cpu.pointee.switches
      let start = readTimeStampCounter()
      Scheduler.yield()
      let ticks = readTimeStampCounter() &- start
      check(cpu.pointee.switches &- switches == UInt64(started + 1), "a round has a switch for each thread")
      shortest = min(shortest, ticks / (cpu.pointee.switches &- switches))
    }
    isOver.store(1)
    Interrupts.restore(wereEnabled)
    while runnerCount.load() > 0 { Scheduler.yield() }
    return started == count - 1 ? shortest : nil
  }

  private static func startRunner() -> Bool {
    Threads.startKernelThread { _ in
      BenchThreads.runnerCount.add(1)
      disableInterrupts()
      while BenchThreads.isOver.load() == 0 { Scheduler.yield() }
      enableInterrupts()
      BenchThreads.runnerCount.subtract(1)
    }
  }
}
