import Core
import Machine

/// A kernel thread that moves the programs' threads between CPUs, while they calculate.
///
/// Every millisecond it pins as many threads as there are CPUs to a CPU each, at random, and lets go of those
/// that it pinned before. With one CPU it only wakes: a kernel thread that comes and goes, which leaves the
/// registers to whom they belong.
final class TourShaker: TourThread, @unchecked Sendable {
  private let load: TourLoad
  private var state: UInt64
  /// Times that a thread was pinned.
  private(set) var moves = 0

  init(_ load: TourLoad, seed: UInt64) {
    self.load = load
    state = seed
    super.init()
  }

  override func run() {
    let cpus = CPUs.count
    var round: UInt64 = 0
    while !shouldStop {
      Sleep.milliseconds(1)
      if cpus == 1 || load.entries.isEmpty { continue }
      round &+= 1
      for entry in load.entries {
        entry.process.forEachThread { thread in
          if thread.pointee.affinity != .max { Scheduler.setAffinity(of: thread, .max) }
        }
      }
      for _ in 0..<cpus { moveOne(cpus) }
    }
  }

  private func moveOne(_ cpus: Int) {
    let process = load.entries[random(load.entries.count)].process
    var skip = random(4)
    let cpu = UInt64(random(cpus))
    process.forEachThread { thread in
      if skip == 0 {
        Scheduler.setAffinity(of: thread, 1 << cpu)
        moves += 1
      }
      skip -= 1
    }
  }

  /// From 0 to below `limit`: Knuth's linear congruential generator, its upper bits.
  private func random(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % limit
  }
}
