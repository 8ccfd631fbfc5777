import Core

/// What the tour found under one strategy.
struct TourResult {
  var strategy: FPUStrategy
  var cpus = 0
  var processes = 0
  var threads = 0
  /// All CPUs together.
  var switches: UInt64 = 0
  var migrations: UInt64 = 0
  var fpu = FPUCounters()
  /// Of the programs' threads, while they calculated.
  var programs = Process.Counters()
  /// Of those programs that use no FPU register.
  var integer = Process.Counters()
  /// Of those programs that make no other process or thread.
  var single = Process.Counters()
  /// Blocks that the kernel combined by SIMD.
  var blocks = 0
  /// Programs and blocks with a wrong value.
  var mismatches = 0
  /// Whatever else went wrong, named on the console.
  var failures = 0
  var cost = SwitchCost()

  init(_ strategy: FPUStrategy) { self.strategy = strategy }

  /// Whether the numbers agree with each other and show what the tour is to show. Each that does not is named.
  @inline(never)
  func check() -> Bool {
    var isGood = mismatches == 0 && failures == 0
    func require(_ holds: Bool, _ complaint: Message) {
      if holds { return }
      Console.print("tour: \(strategy.name): \(complaint)")
      isGood = false
    }
    let restored = fpu[.restore] &+ fpu[.restoreSkipped] &+ fpu[.restoreFailed]
    require(
      restored == fpu[.load],
      "\(fpu[.restore]) restores, \(fpu[.restoreSkipped]) skipped and \(fpu[.restoreFailed]) failed are not the \(fpu[.load]) loads asked for"
    )
    require(fpu[.restoreFailed] == 0, "\(fpu[.restoreFailed]) restores failed")
    require(fpu[.restore] > 0, "nothing was restored")
    require(fpu[.restoreSkipped] > 0, "no restore was skipped")
    // A fork saves too, what the next switch saves again: only for programs that do not fork.
    require(
      single.fpu[.save] <= single.fpu[.load],
      "of programs that do not fork, \(single.fpu[.save]) states were saved and \(single.fpu[.load]) loaded")
    require(fpu[.kernelSection] > 0, "the kernel used no SIMD register in between")
    require(fpu[.notAvailableTrap] <= fpu[.load], "more #NM than loads")
    require(
      (fpu[.notAvailableTrap] > 0) == (strategy == .lazy),
      "\(fpu[.notAvailableTrap]) #NM, which only the lazy strategy takes")
    require(programs.preemptions > 0, "no program was preempted")
    require((migrations > 0) == (cpus > 1), "\(migrations) migrations on \(cpus) CPUs")
    require(migrations <= switches, "more migrations than switches")
    return isGood
  }
}
