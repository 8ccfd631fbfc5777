import Core
import Machine

/// The tour: the same mix of programs under each strategy in turn, and a table of what the FPU code did.
public enum Tour {
  /// The time that the programs calculate under each strategy, at least.
  private static var nanoseconds: UInt64 { 1_500_000_000 }
  /// How long they may take until enough preemptions and migrations have come.
  private static var limitNanoseconds: UInt64 { 20_000_000_000 }

  /// Runs the tour and prints what it found. In a kernel thread; the strategy in force is restored.
  ///
  /// - Parameters:
  ///   - report: whether the numbers also go to the report port as JSON.
  ///   - seed: where the random migrations start.
  /// - Returns: whether every register was right and the numbers agree.
  @inline(never)
  public static func run(report: Bool, seed: UInt64 = 1) -> Bool {
    let original = KernelFPU.strategy
    let countsInstructions = SwitchCost.countsInstructions
    printIntroduction()
    var results: [TourResult] = []
    // From the simplest to the default.
    for strategy in [FPUStrategy.eager, .lazy, .deferred] {
      FPUChange.setStrategy(strategy)
      results.append(run(strategy, seed: seed))
    }
    FPUChange.setStrategy(original)
    TourTable.print(results, countsInstructions: countsInstructions)
    TourFindings.print(results, countsInstructions: countsInstructions)
    var isGood = true
    for result in results where !result.check() { isGood = false }
    if report { TourReport.write(results, countsInstructions: countsInstructions) }
    Console.print(isGood ? "The tour passed." : "The tour FAILED: the lines that begin with `tour:` say why.")
    return isGood
  }

  @inline(never)
  private static func printIntroduction() {
    let counts = TourProgram.counts(cpus: CPUs.count)
    Console.print("")
    Console.print("The tour: programs that keep a pattern of their own in every register and check it again and again,")
    Console.print("on \(CPUs.count) CPUs, preempted and moved about, while the kernel uses SIMD registers in between.")
    var mix: Message = "Programs:"
    for program in TourProgram.allCases where counts[program.rawValue] > 0 {
      mix = "\(mix) \(counts[program.rawValue]) \(program.summary)"
    }
    Console.print(mix)
    for program in TourProgram.allCases {
      if let missing = program.missing { Console.print("Left out: \(program.summary), this CPU has \(missing)") }
    }
  }

  @inline(never)
  private static func run(_ strategy: FPUStrategy, seed: UInt64) -> TourResult {
    var result = TourResult(strategy)
    result.cpus = CPUs.count
    let before = total()

    let load = TourLoad()
    load.start(cpus: CPUs.count)
    let user = TourKernelUser()
    let shaker = TourShaker(load, seed: seed)
    if !user.start() || !shaker.start(nice: -5) {
      Console.print("tour: no memory for a kernel thread")
      result.failures += 1
    }
    let start = readTimeStampCounter()
    waitForWork(load, from: start)
    let duration = readTimeStampCounter() &- start
    user.stop()
    shaker.stop()
    load.end()

    let after = total()
    result.switches = after.switches &- before.switches
    result.migrations = after.migrations &- before.migrations
    result.fpu = after.fpu - before.fpu
    result.programs = load.counters()
    result.integer = load.counters { $0 == .integer }
    result.single = load.counters { $0.threadCount == 1 && $0 != .forkexec }
    result.processes = load.entries.count
    result.threads = load.threadCount
    result.blocks = user.blocks
    result.cost = SwitchCost.measure()
    result.mismatches = load.mismatches + user.mismatches + result.cost.mismatches
    result.failures += load.failures + result.cost.failures
    Console.print(
      "\(left: strategy.name, width: 9)ran for \(Time.nanoseconds(ticks: duration) / 1_000_000) ms: \(result.threads) threads, \(result.programs.preemptions) preemptions, \(result.migrations) migrations"
    )
    return result
  }

  /// Lets the programs calculate until each thread has been preempted 20 times on average and, with several
  /// CPUs, 100 have moved: without that, registers that are right would prove nothing.
  private static func waitForWork(_ load: TourLoad, from start: UInt64) {
    let least = start &+ Time.ticks(nanoseconds: nanoseconds)
    let limit = start &+ Time.ticks(nanoseconds: limitNanoseconds)
    while true {
      Sleep.milliseconds(50)
      let now = readTimeStampCounter()
      if now < least { continue }
      let counters = load.counters()
      let isPreempted = counters.preemptions >= UInt64(load.threadCount) * 20
      let isMoved = CPUs.count == 1 || counters.migrations >= 100
      if isPreempted && isMoved || now >= limit { return }
      for entry in load.entries where entry.process.ending != nil { return }
    }
  }

  private struct Total {
    var switches: UInt64 = 0
    var migrations: UInt64 = 0
    var fpu = FPUCounters()
  }

  /// What all CPUs have counted. No program runs: the numbers stand still but for the kernel's own switches.
  private static func total() -> Total {
    var total = Total()
    for number in 0..<CPUs.count {
      let cpu = CPUs[number]
      total.switches &+= cpu.pointee.switches
      total.migrations &+= cpu.pointee.migrationsIn
      total.fpu = total.fpu + cpu.pointee.fpuCounters
    }
    return total
  }
}
