import Core
import Testing

/// The run queue's rules over plain arrays.
private struct ModelQueue {
  var woken: [Int] = []
  var main: [Int] = []
  var remaining: [Int64]
  var lastRanAt: [UInt64]
  var lead: Int64 = 0
  var owed: Int64 = 0
  var running = 0
  var runningWasWoken = false
  let slice: Int64 = 1000

  init(threads: Int) {
    remaining = Array(repeating: 0, count: threads)
    lastRanAt = Array(repeating: 0, count: threads)
  }

  var count: Int { woken.count + main.count }

  mutating func refill(_ thread: Int) {
    remaining[thread] = min(max(remaining[thread] + slice, slice / 8), slice)
  }

  mutating func enqueueNew(_ thread: Int) {
    remaining[thread] = slice
    main.append(thread)
  }

  mutating func enqueueWoken(_ thread: Int, now: UInt64) {
    if now - lastRanAt[thread] >= UInt64(slice) * UInt64(count + running + 1) { remaining[thread] = slice }
    if remaining[thread] > 0 {
      woken.append(thread)
    } else {
      refill(thread)
      main.append(thread)
    }
  }

  mutating func append(_ thread: Int) {
    if remaining[thread] <= 0 { refill(thread) }
    main.append(thread)
  }

  mutating func expire(_ thread: Int) {
    refill(thread)
    main.append(thread)
  }

  mutating func preempt(_ thread: Int) {
    if remaining[thread] > 0 { main.insert(thread, at: 0) } else { expire(thread) }
  }

  mutating func pick() -> Int? {
    runningWasWoken = wokenGoFirst
    running = count > 0 ? 1 : 0
    if runningWasWoken { return woken.removeFirst() }
    return main.isEmpty ? nil : main.removeFirst()
  }

  var wokenGoFirst: Bool { !woken.isEmpty && (main.isEmpty || owed <= 0) }

  mutating func charge(_ thread: Int, _ ticks: Int64, now: UInt64) -> Bool {
    remaining[thread] -= ticks
    lastRanAt[thread] = now
    let round = slice * Int64(count + 1)
    if !runningWasWoken {
      if owed > 0 { owed -= ticks } else { lead = max(0, lead - ticks * Int64(count + 1)) }
    } else if main.isEmpty {
      lead = 0
      owed = 0
    } else {
      lead += ticks
      owed = lead >= round ? slice * Int64(main.count) : 0
      if owed > 0 { lead = 0 }
    }
    return remaining[thread] <= 0
  }

  func candidate(where isSuitable: (Int) -> Bool) -> Int? {
    (main.reversed() + woken.reversed()).prefix(16).first(where: isSuitable)
  }
}

@Suite struct RunQueueModelTests {
  @Test(arguments: [61, 62, 63, 64] as [UInt64])
  func randomOperationsMatchTheModel(seed: UInt64) throws {
    let count = 40
    let threads = TestThreads(count: count)
    var random = SeededGenerator(seed: seed)
    var queue = RunQueue<TestThread>(sliceTicks: 1000)
    var model = ModelQueue(threads: count)
    var idle = Array(0..<count)
    var now: UInt64 = 0
    for _ in 0..<15_000 {
      now += UInt64(random.below(300))
      switch random.below(8) {
      case 0 where !idle.isEmpty:
        let thread = idle.swapRemove(at: random.below(idle.count))
        queue.enqueueNew(threads[thread])
        model.enqueueNew(thread)
      case 1...3 where !idle.isEmpty:
        let thread = idle.swapRemove(at: random.below(idle.count))
        queue.enqueueWoken(threads[thread], now: now)
        model.enqueueWoken(thread, now: now)
      case 4:
        let thread = random.below(count)
        let isQueued = !idle.contains(thread)
        #expect(queue.remove(threads[thread]) == isQueued)
        model.woken.removeAll { $0 == thread }
        model.main.removeAll { $0 == thread }
        if isQueued { idle.append(thread) }
      case 5:
        let divisor = 1 + random.below(20)
        let candidate = queue.stealCandidate { $0.pointee.number % divisor == 0 }
        #expect(candidate?.pointee.number == model.candidate { $0 % divisor == 0 })
      default:
        let picked = queue.pickNext()
        let expected = model.pick()
        try #require(picked?.pointee.number == expected)
        guard let picked, let thread = expected else { continue }
        let ticks = Int64(random.below(1400))
        now += UInt64(ticks)
        let isUsedUp = model.charge(thread, ticks, now: now)
        #expect(queue.charge(picked, ticks: ticks, now: now) == isUsedUp)
        switch random.below(4) {
        case 0:
          queue.requeuePreempted(picked)
          model.preempt(thread)
        case 1:
          queue.requeueYielded(picked)
          model.append(thread)
        case 2:
          queue.requeueExpired(picked)
          model.expire(thread)
        default: idle.append(thread)
        }
      }
      #expect(queue.count == model.count)
      #expect(queue.weightSum == UInt64(model.count * 1024))
      let shouldPreempt = model.running == 0 ? model.count > 0 : !model.runningWasWoken && model.wokenGoFirst
      #expect(queue.shouldPreempt == shouldPreempt)
      let remaining = (0..<count).map { threads[$0].pointee.scheduling.remainingTicks }
      try #require(remaining == model.remaining)
    }
    while let expected = model.pick() { #expect(queue.pickNext()?.pointee.number == expected) }
    #expect(queue.pickNext() == nil)
  }
}

/// Counts how often the queue touches the scheduling entity of any thread.
private struct CountingThread: Schedulable {
  nonisolated(unsafe) static var accesses = 0
  private var entity = SchedulingEntity()

  var scheduling: SchedulingEntity {
    get {
      Self.accesses += 1
      return entity
    }
    set {
      Self.accesses += 1
      entity = newValue
    }
  }
}

@Suite struct RunQueueCostTests {
  /// The greatest number of accesses that any one operation made.
  private func greatestCost(threads count: Int) -> Int {
    let threads = UnsafeMutablePointer<CountingThread>.allocate(capacity: count)
    defer { threads.deallocate() }
    var queue = RunQueue<CountingThread>(sliceTicks: 1000)
    var greatest = 0
    func measure(_ operation: () -> Void) {
      CountingThread.accesses = 0
      operation()
      greatest = max(greatest, CountingThread.accesses)
    }
    for index in 0..<count {
      (threads + index).initialize(to: CountingThread())
      measure { queue.enqueueNew(threads + index) }
    }
    for round in 0..<2 * count {
      let picked = queue.pickNext()!
      queue.requeuePreempted(picked)
      measure { _ = queue.pickNext() }
      measure { _ = queue.charge(picked, ticks: Int64(500 + round % 600), now: UInt64(round)) }
      switch round % 4 {
      case 0: measure { queue.enqueueWoken(picked, now: UInt64(round)) }
      case 1: measure { queue.requeueYielded(picked) }
      case 2: measure { queue.requeueExpired(picked) }
      default: measure { queue.requeuePreempted(picked) }
      }
      measure { queue.remove(threads + count / 2) }
      measure { queue.enqueueMigrated(threads + count / 2) }
    }
    return greatest
  }

  @Test func noOperationCostsMoreWithMoreThreads() {
    let few = greatestCost(threads: 5)
    let many = greatestCost(threads: 10_000)
    #expect(few == many)
    #expect(many < 40)
  }
}
