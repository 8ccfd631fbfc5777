import Core
import System

/// What the CPUs have done so far, for differences.
struct Activity {
  let switches: UInt64
  let preemptions: UInt64
  let migrations: UInt64
  let fpu: FPUCounters

  /// Up to now.
  init() {
    var switches: UInt64 = 0
    var preemptions: UInt64 = 0
    var migrations: UInt64 = 0
    var fpu = FPUCounters()
    for number in 0..<CPUs.count {
      let cpu = CPUs[number]
      switches &+= cpu.pointee.switches
      preemptions &+= cpu.pointee.preemptions
      migrations &+= cpu.pointee.migrationsIn
      fpu = fpu + cpu.pointee.fpuCounters
    }
    self.switches = switches
    self.preemptions = preemptions
    self.migrations = migrations
    self.fpu = fpu
  }

  /// Prints what has happened since.
  func printDifference() {
    let now = Activity()
    Console.print(
      "# \(now.switches &- switches) switches, \(now.preemptions &- preemptions) preemptions, \(now.migrations &- migrations) migrations"
    )
    let fpu = now.fpu - self.fpu
    Console.print(
      "# FPU: \(fpu[.save]) saves, \(fpu[.load]) loads, \(fpu[.restore]) restores, \(fpu[.restoreSkipped]) restores skipped, \(fpu[.notAvailableTrap]) #NM traps, \(fpu[.kernelSection]) kernel sections"
    )
  }
}
