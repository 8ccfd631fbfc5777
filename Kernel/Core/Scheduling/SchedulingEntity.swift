/// A thread's place in a run queue, and its claim to the processor. Part of the thread's record.
public struct SchedulingEntity {
  /// The next and the previous element of the list that the thread is on.
  var next: UnsafeMutableRawPointer?
  var previous: UnsafeMutableRawPointer?

  /// Which list the thread is on.
  public internal(set) var queueState: RunQueueState
  /// -20 (the largest share) to 19.
  public internal(set) var nice: Int8
  /// 1 to 99 for a thread that goes before all with a lower one (SCHED_FIFO, SCHED_RR); 0 for the others.
  public internal(set) var priority: UInt8
  /// Whether it takes turns with those of its priority (SCHED_RR).
  var isRoundRobin: Bool
  /// The share that belongs to the nice level; 1024 at level 0.
  public internal(set) var weight: UInt32
  /// What is left of the slice, in the run queue's ticks. Below 0 where the thread ran past its end, which
  /// the next slice makes up for.
  public internal(set) var remainingTicks: Int64
  /// The time up to which `RunQueue.charge` has accounted for the thread.
  public internal(set) var lastRanAt: UInt64
  /// The time at which the thread was last woken: the caller may measure the delay until it runs.
  public internal(set) var enqueuedAt: UInt64

  /// The entity of a thread that is on no queue and has no slice yet.
  ///
  /// - Parameter nice: is brought into -20...19.
  public init(nice: Int = 0) {
    next = nil
    previous = nil
    queueState = .none
    self.nice = NiceLevel.clamped(nice)
    priority = 0
    isRoundRobin = false
    weight = NiceLevel.weight(of: self.nice)
    remainingTicks = 0
    lastRanAt = 0
    enqueuedAt = 0
  }

  /// Sets the claim of a thread that is on no queue.
  public mutating func set(_ claim: SchedulingClaim) {
    nice = NiceLevel.clamped(claim.nice)
    weight = NiceLevel.weight(of: nice)
    priority = claim.priority
    isRoundRobin = claim.isRoundRobin
  }
}

/// What a thread may expect of the processor.
public struct SchedulingClaim: Equatable, Sendable {
  /// Is brought into -20...19.
  public var nice: Int
  /// 1 to 99, or 0 for none.
  public var priority: UInt8
  public var isRoundRobin: Bool

  public init(nice: Int, priority: UInt8 = 0, isRoundRobin: Bool = false) {
    self.nice = nice
    self.priority = min(priority, 99)
    self.isRoundRobin = isRoundRobin && priority != 0
  }
}

/// A record with a place in a run queue. Its address must not change while it is on one.
public protocol Schedulable {
  var scheduling: SchedulingEntity { get set }
}

/// Which list of its run queue a thread is on.
public enum RunQueueState: UInt8, Sendable {
  /// On none: it runs, sleeps or has ended.
  case none
  /// Woken with some of its slice left: runs before the others.
  case woken
  /// In the round.
  case main
  /// Among the threads of its real-time priority.
  case realTime
}
