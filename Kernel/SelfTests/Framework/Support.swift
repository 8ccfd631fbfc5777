import Core
import Machine
import Synchronization
import System

/// What several tests need.
enum Support {
  /// Waits until no more threads exist than before, and gives all unused memory back.
  ///
  /// - Returns: false where some are left when the patience ends.
  @discardableResult
  static func settle(downTo threads: Int) -> Bool {
    let deadline = deadline(milliseconds: patience)
    while Threads.count > threads, readTimeStampCounter() < deadline {
      SelfTestAccess.reapEndedThreads()
      Scheduler.yield()
    }
    SelfTestAccess.releaseUnusedMemory()
    return Threads.count <= threads
  }

  /// How long a test waits for what has to come, in milliseconds. A busy host gives the guest little time, so
  /// that no test asks how soon something came; only when it comes not at all does the test fail.
  static var patience: UInt64 { 25_000 }

  /// A time in TSC ticks. Work is bounded by it where an emulator may be slow: with more CPUs than the host
  /// has, one that holds a lock may stand still while all others wait.
  static func deadline(milliseconds: UInt64) -> UInt64 {
    readTimeStampCounter() &+ Time.ticks(nanoseconds: milliseconds &* 1_000_000)
  }

  /// Spins, with preemption possible, until a condition holds or the time is over.
  ///
  /// - Returns: whether it holds.
  static func spin(limitInMilliseconds limit: UInt64 = patience, until condition: () -> Bool) -> Bool {
    let deadline = deadline(milliseconds: limit)
    while !condition() {
      if readTimeStampCounter() >= deadline { return condition() }
      spinHint()
    }
    return true
  }

  /// As `spin`, sleeping in between.
  static func sleep(limitInMilliseconds limit: UInt64 = patience, until condition: () -> Bool) -> Bool {
    let deadline = deadline(milliseconds: limit)
    while !condition() {
      if readTimeStampCounter() >= deadline { return condition() }
      Sleep.milliseconds(1)
    }
    return true
  }

  /// Whether the guest has more CPUs than a host can be expected to run at once: what needs all of them to
  /// answer takes a hundred times as long then, and tests ask for less of it.
  static var hasManyCPUs: Bool { CPUs.count > 4 }

  /// How many migrations of each thread a test forces.
  static var forcedMigrations: Int { hasManyCPUs ? 10 : 100 }

  /// The first four CPUs, where there are as many: a test's programs are to outnumber the CPUs that run them.
  static var fewCPUs: UInt64 { 0b1111 }

  /// The last CPU that is up: the one on which the fewest interrupts of devices arrive.
  static var lastCPU: Int { CPUs.count - 1 }

  static func mask(of cpu: Int) -> UInt64 { 1 << UInt64(cpu) }
}

/// A number or a sign that the threads of a test share.
final class Shared {
  private let atomic: Atomic<Int>

  init(_ value: Int = 0) { atomic = Atomic(value) }

  var value: Int {
    get { atomic.load(ordering: .acquiring) }
    set { atomic.store(newValue, ordering: .releasing) }
  }

  /// - Returns: the new value.
  @discardableResult
  func add(_ number: Int) -> Int { atomic.wrappingAdd(number, ordering: .acquiringAndReleasing).newValue }

  /// Adds bits, of a value that is used as a set.
  func insert(_ bits: Int) { _ = atomic.bitwiseOr(bits, ordering: .acquiringAndReleasing) }
}
