/// The threads that are ready to run on one CPU, and the order in which they do: deficit round robin.
///
/// Each thread has a slice of processor time, in proportion to its weight. The round is a FIFO: its first
/// thread runs until its slice is used up, gets a new slice and goes to the end. Time that a thread ran past
/// the end of its slice is taken off the new one, so that shares stay exact whatever the lengths of runs. A
/// thread that is preempted before goes back to the front and keeps the rest.
///
/// A thread that wakes with some of its slice left waits in a FIFO of its own, which is served first: a
/// thread that runs briefly and often waits for few others. It gains no time by this, as sleeping does not
/// renew the slice, unless the sleep was as long as a whole round, in which it would have got a new one
/// anyway. Threads that sleep for just that long in turns could still keep the round waiting: so once woken
/// threads have run for as long as a round takes, each thread of the round gets a slice before them.
///
/// Threads with a real-time priority (sched(7)) come before all of these, in the order of `RealTimeQueue`. So
/// that one which never waits cannot take the whole processor, the others run once real-time threads have had 95 %
/// of a second, until that second is over: Linux's sched_rt_runtime_us.
///
/// No operation depends on the number of threads. The caller provides the lock and keeps each thread on one
/// queue at most; the running thread is on none. Times and ticks are in one unit of the caller's choice.
public struct RunQueue<Element: Schedulable> {
  /// The slice of a thread of weight 1024, in ticks.
  public var sliceTicks: Int64
  /// Threads on the queue.
  public private(set) var count: Int
  /// The sum of the weights of those without a real-time priority.
  public private(set) var weightSum: UInt64

  /// The weight of the thread that was picked last, which runs; 0 if there was none.
  private var runningWeight: UInt64
  /// Whether it was picked as a woken thread.
  private var runningWasWoken: Bool
  /// The time that woken threads have had while the round waited. A base slice of the round clears a whole
  /// round's worth of it.
  private var wokenLeadTicks: Int64
  /// The time that the round is to have before woken threads run again; 0 or less if they may run.
  private var owedToRoundTicks: Int64
  /// The sum of the weights of the threads in the round.
  private var mainWeightSum: UInt64
  private var woken: ThreadList<Element>
  private var main: ThreadList<Element>

  private var realTime: RealTimeQueue<Element>
  /// The real-time priority of the thread that runs; 0 for none.
  public private(set) var runningPriority: UInt8
  /// Whether real-time threads have had their part of the second that ends at `realTimePeriodEnd`.
  private var isRealTimeThrottled: Bool
  private var realTimePeriodEnd: UInt64
  private var realTimeUsedTicks: Int64

  /// How many threads `stealCandidate` looks at.
  public static var stealSearchLimit: Int { 16 }

  /// An empty queue.
  ///
  /// - Parameter sliceTicks: the slice of a thread of weight 1024, more than 0.
  public init(sliceTicks: Int64) {
    self.sliceTicks = sliceTicks
    count = 0
    weightSum = 0
    runningWeight = 0
    runningWasWoken = false
    wokenLeadTicks = 0
    owedToRoundTicks = 0
    mainWeightSum = 0
    woken = ThreadList()
    main = ThreadList()
    realTime = RealTimeQueue()
    runningPriority = 0
    isRealTimeThrottled = false
    realTimePeriodEnd = 0
    realTimeUsedTicks = 0
  }

  // MARK: Becoming ready

  /// Adds a thread that has never run: to the end of the round, with a full slice.
  public mutating func enqueueNew(_ element: UnsafeMutablePointer<Element>) {
    element.pointee.scheduling.remainingTicks = slice(of: element)
    if element.pointee.scheduling.priority != 0 { return addRealTime(element, isFirst: false) }
    appendToMain(element)
  }

  /// Adds a thread whose sleep has ended at the time `now`.
  public mutating func enqueueWoken(_ element: UnsafeMutablePointer<Element>, now: UInt64) {
    if element.pointee.scheduling.priority != 0 {
      element.pointee.scheduling.enqueuedAt = now
      return addRealTime(element, isFirst: false)
    }
    let fullSlice = slice(of: element)
    // A clock that seems to run backwards (another CPU's) counts as no sleep at all.
    let lastRanAt = element.pointee.scheduling.lastRanAt
    let slept = now > lastRanAt ? now &- lastRanAt : 0
    element.pointee.scheduling.enqueuedAt = now
    let ownWeight = UInt64(element.pointee.scheduling.weight)
    if slept >= UInt64(bitPattern: Self.scale(sliceTicks, weightSum &+ runningWeight &+ ownWeight)) {
      element.pointee.scheduling.remainingTicks = fullSlice
    }
    if element.pointee.scheduling.remainingTicks > 0 {
      didAdd(element, to: .woken)
      woken.append(element)
    } else {
      renewSlice(of: element)
      appendToMain(element)
    }
  }

  /// Adds a thread that came from another CPU's queue: to the end of the round, with what it has.
  public mutating func enqueueMigrated(_ element: UnsafeMutablePointer<Element>) {
    if element.pointee.scheduling.priority != 0 { return addRealTime(element, isFirst: false) }
    if element.pointee.scheduling.remainingTicks <= 0 { renewSlice(of: element) }
    appendToMain(element)
  }

  // MARK: Giving up the processor

  /// Accounts for time that the running thread has used.
  ///
  /// - Parameters:
  ///   - ticks: the time since it was picked or last charged.
  ///   - now: the present time.
  /// - Returns: whether its slice is used up.
  @inline(__always)
  public mutating func charge(
    _ element: UnsafeMutablePointer<Element>, ticks: Int64, now: UInt64
  ) -> Bool {
    // Days at any clock rate; bounded so that no sum below can overflow.
    let bounded = min(max(ticks, 0), 1 &<< 56)
    if element.pointee.scheduling.priority != 0 { return chargeRealTime(element, bounded, now) }
    if runningWasWoken {
      chargeWoken(bounded)
    } else if owedToRoundTicks > 0 {
      owedToRoundTicks &-= bounded
    } else if wokenLeadTicks > 0 {
      wokenLeadTicks &-= min(Self.scale(bounded, weightSum &+ runningWeight), wokenLeadTicks)
    }
    let remaining = max(element.pointee.scheduling.remainingTicks, -1 &<< 56) &- bounded
    element.pointee.scheduling.remainingTicks = remaining
    element.pointee.scheduling.lastRanAt = now
    return remaining <= 0
  }

  /// Accounts for time in which a woken thread ran before the round.
  @inline(__always)
  private mutating func chargeWoken(_ ticks: Int64) {
    wokenLeadTicks = main.first == nil ? 0 : min(wokenLeadTicks &+ ticks, 1 &<< 56)
    owedToRoundTicks = 0
    if wokenLeadTicks > 0, wokenLeadTicks >= Self.scale(sliceTicks, weightSum &+ runningWeight) {
      wokenLeadTicks = 0
      owedToRoundTicks = Self.scale(sliceTicks, mainWeightSum)
    }
  }

  /// Lets real-time threads run again once their second is over: each tick, whoever runs.
  @inline(__always)
  public mutating func noteTime(_ now: UInt64) {
    if isRealTimeThrottled, now >= realTimePeriodEnd { isRealTimeThrottled = false }
  }

  /// Accounts for time of a real-time thread: its slice, where it has one, and the bound for all of them.
  @inline(never)
  private mutating func chargeRealTime(
    _ element: UnsafeMutablePointer<Element>, _ ticks: Int64, _ now: UInt64
  ) -> Bool {
    if now >= realTimePeriodEnd {
      realTimePeriodEnd = now &+ UInt64(bitPattern: realTimePeriodTicks)
      realTimeUsedTicks = 0
    }
    realTimeUsedTicks &+= ticks
    isRealTimeThrottled = realTimeUsedTicks >= realTimePeriodTicks / 20 &* 19
    element.pointee.scheduling.lastRanAt = now
    guard element.pointee.scheduling.isRoundRobin else { return false }
    let remaining = max(element.pointee.scheduling.remainingTicks, -1 &<< 56) &- ticks
    element.pointee.scheduling.remainingTicks = remaining
    return remaining <= 0
  }

  /// Puts the running thread back at the front of the round, with the rest of its slice.
  public mutating func requeuePreempted(_ element: UnsafeMutablePointer<Element>) {
    if element.pointee.scheduling.priority != 0 { return addRealTime(element, isFirst: true) }
    guard element.pointee.scheduling.remainingTicks > 0 else { return requeueExpired(element) }
    didAdd(element, to: .main)
    main.prepend(element)
  }

  /// Puts the running thread, whose slice is used up, at the end of the round with a new one.
  public mutating func requeueExpired(_ element: UnsafeMutablePointer<Element>) {
    if element.pointee.scheduling.priority != 0 {
      element.pointee.scheduling.remainingTicks = slice(of: element)
      return addRealTime(element, isFirst: false)
    }
    renewSlice(of: element)
    appendToMain(element)
  }

  /// Puts the running thread, which gives way to the others, at the end of the round. What is left of its
  /// slice it keeps; it gets no more.
  public mutating func requeueYielded(_ element: UnsafeMutablePointer<Element>) {
    if element.pointee.scheduling.priority != 0 { return addRealTime(element, isFirst: false) }
    if element.pointee.scheduling.remainingTicks <= 0 { renewSlice(of: element) }
    appendToMain(element)
  }

  // MARK: Choosing

  /// Whether the running thread, or the idle one, should make room although its slice is not used up: ask
  /// after adding threads.
  @inline(__always)
  public var shouldPreempt: Bool {
    if runningWeight == 0 { return count != 0 }
    return isRunningOutranked || runningPriority == 0 && !runningWasWoken && wokenGoFirst
  }

  /// Whether the running thread has to make room on account of real-time priorities.
  @inline(__always)
  public var isRunningOutranked: Bool {
    if isRealTimeThrottled { return runningPriority != 0 && othersWait }
    return realTime.highest > runningPriority
  }

  /// The highest real-time priority of the threads that wait; 0 for none.
  @inline(__always)
  public var waitingPriority: UInt8 { realTime.highest }

  /// Whether threads without a real-time priority wait.
  private var othersWait: Bool { main.first != nil || woken.first != nil }

  /// Whether a woken thread is there and may run before the round.
  @inline(__always)
  private var wokenGoFirst: Bool {
    guard woken.first != nil else { return false }
    return main.first == nil || owedToRoundTicks <= 0
  }

  /// Takes the thread that is to run next off the queue; nil if none is ready.
  public mutating func pickNext() -> UnsafeMutablePointer<Element>? {
    let picked: UnsafeMutablePointer<Element>
    if realTime.highest != 0, !(isRealTimeThrottled && othersWait) {
      let first = realTime.takeFirst()
      runningWasWoken = false
      count &-= 1
      first.pointee.scheduling.queueState = .none
      runningWeight = UInt64(first.pointee.scheduling.weight)
      runningPriority = first.pointee.scheduling.priority
      return first
    }
    runningPriority = 0
    if wokenGoFirst, let first = woken.first {
      runningWasWoken = true
      woken.remove(first)
      picked = first
    } else if let first = main.first {
      runningWasWoken = false
      main.remove(first)
      picked = first
    } else {
      runningWasWoken = false
      runningWeight = 0
      return nil
    }
    didRemove(picked)
    picked.pointee.scheduling.queueState = .none
    runningWeight = UInt64(picked.pointee.scheduling.weight)
    return picked
  }

  /// Takes a thread off the queue, as for migration.
  ///
  /// - Returns: false if it is on no queue. That it is on this one and not another the caller must know.
  @discardableResult
  public mutating func remove(_ element: UnsafeMutablePointer<Element>) -> Bool {
    switch element.pointee.scheduling.queueState {
    case .none: return false
    case .woken: woken.remove(element)
    case .main: main.remove(element)
    case .realTime:
      realTime.remove(element)
      count &-= 1
      element.pointee.scheduling.queueState = .none
      return true
    }
    didRemove(element)
    element.pointee.scheduling.queueState = .none
    return true
  }

  /// A thread for another CPU to take over: one that would wait long here. It stays on the queue.
  ///
  /// - Parameter isSuitable: whether the thread may run on the other CPU. Asked for the last
  ///   `stealSearchLimit` threads at most, from the end.
  /// - Returns: nil if none of those is suitable.
  public func stealCandidate(
    where isSuitable: (UnsafeMutablePointer<Element>) -> Bool
  ) -> UnsafeMutablePointer<Element>? {
    if let first = realTime.first, isSuitable(first) { return first }
    var budget = Self.stealSearchLimit
    for list in 0..<2 {
      var candidate = list == 0 ? main.last : woken.last
      while let element = candidate, budget > 0 {
        if isSuitable(element) { return element }
        budget &-= 1
        candidate = ThreadList<Element>.previous(of: element)
      }
    }
    return nil
  }

  /// Changes a thread's claim, whether it is on this queue, runs or sleeps. Where its priority changes, a thread
  /// that waits goes to the end of its new line. A slice that it has is kept.
  ///
  /// - Parameter isRunning: whether it is the thread that runs on this processor.
  public mutating func setClaim(
    _ claim: SchedulingClaim, of element: UnsafeMutablePointer<Element>, isRunning: Bool
  ) {
    let state = element.pointee.scheduling.queueState
    let isPriorityChanged = claim.priority != element.pointee.scheduling.priority
    if isPriorityChanged {
      remove(element)
    } else if state != .none, state != .realTime {
      didRemove(element)
    }
    element.pointee.scheduling.set(claim)
    if isPriorityChanged || claim.isRoundRobin {
      let whole = slice(of: element)
      let remaining = element.pointee.scheduling.remainingTicks
      element.pointee.scheduling.remainingTicks = claim.isRoundRobin && remaining <= 0 ? whole : min(remaining, whole)
    }
    if isRunning { runningPriority = claim.priority }
    if state == .none { return }
    if isPriorityChanged {
      enqueueMigrated(element)
    } else if state != .realTime {
      didAdd(element, to: state)
    }
  }

  // MARK: Slices

  /// The full slice of a thread, in ticks: at least 1.
  @inline(__always)
  public func slice(of element: UnsafeMutablePointer<Element>) -> Int64 {
    if element.pointee.scheduling.priority != 0 { return roundRobinTicks }
    return max(Self.scale(sliceTicks, UInt64(element.pointee.scheduling.weight)), 1)
  }

  /// The slice of SCHED_RR: 100 ms where the base slice is 3 ms.
  public var roundRobinTicks: Int64 { sliceTicks &* 100 / 3 }

  /// A second likewise.
  private var realTimePeriodTicks: Int64 { sliceTicks &* 1000 / 3 }

  /// Adds a slice. A thread that overran by a slice or more (interrupts were off, or the machine stood
  /// still) is forgiven the excess, so that it has something to run with at its next turn.
  @inline(__always)
  private func renewSlice(of element: UnsafeMutablePointer<Element>) {
    let fullSlice = slice(of: element)
    let renewed = element.pointee.scheduling.remainingTicks &+ fullSlice
    element.pointee.scheduling.remainingTicks = min(max(renewed, max(fullSlice &>> 3, 1)), fullSlice)
  }

  /// Ticks times weight over 1024, at most 2^54. With `sliceTicks` it is the length of a round of threads of
  /// that total weight.
  @inline(__always)
  private static func scale(_ ticks: Int64, _ weight: UInt64) -> Int64 {
    let product = weight.multipliedReportingOverflow(by: UInt64(bitPattern: ticks))
    return product.overflow ? 1 &<< 54 : Int64(bitPattern: product.partialValue &>> 10)
  }

  // MARK: Bookkeeping

  /// Puts a real-time thread into the line of its priority.
  @inline(never)
  private mutating func addRealTime(_ element: UnsafeMutablePointer<Element>, isFirst: Bool) {
    element.pointee.scheduling.queueState = .realTime
    count &+= 1
    realTime.add(element, isFirst: isFirst)
  }

  @inline(__always)
  private mutating func appendToMain(_ element: UnsafeMutablePointer<Element>) {
    didAdd(element, to: .main)
    main.append(element)
  }

  @inline(__always)
  private mutating func didAdd(_ element: UnsafeMutablePointer<Element>, to state: RunQueueState) {
    let weight = UInt64(element.pointee.scheduling.weight)
    element.pointee.scheduling.queueState = state
    count &+= 1
    weightSum &+= weight
    if state == .main { mainWeightSum &+= weight }
  }

  @inline(__always)
  private mutating func didRemove(_ element: UnsafeMutablePointer<Element>) {
    let weight = UInt64(element.pointee.scheduling.weight)
    count &-= 1
    weightSum &-= weight
    if element.pointee.scheduling.queueState == .main { mainWeightSum &-= weight }
  }
}
