import Core
import Testing

@Suite struct RunQueueFairnessTests {
  /// Lets the queue's threads run, each time for a random while: to the end of the slice or somewhat
  /// beyond, or until it is preempted or yields before.
  private func run(
    _ queue: inout RunQueue<TestThread>, for duration: UInt64, random: inout SeededGenerator
  ) {
    var now: UInt64 = 0
    while now < duration {
      let thread = queue.pickNext()!
      let remaining = thread.pointee.scheduling.remainingTicks
      let ticks: Int64
      switch random.below(3) {
      case 0: ticks = remaining + Int64(random.below(200))
      default: ticks = Int64(random.below(Int(remaining) + 1))
      }
      now += UInt64(ticks)
      thread.pointee.ranTicks += ticks
      if queue.charge(thread, ticks: ticks, now: now) {
        queue.requeueExpired(thread)
      } else {
        queue.requeuePreempted(thread)
      }
    }
  }

  @Test(arguments: [21, 22, 23] as [UInt64])
  func equalThreadsStayWithinOneSliceOfEachOther(seed: UInt64) {
    let threads = TestThreads(count: 10)
    var random = SeededGenerator(seed: seed)
    var queue = RunQueue<TestThread>(sliceTicks: 1000)
    for index in 0..<threads.count { queue.enqueueNew(threads[index]) }
    run(&queue, for: 5_000_000, random: &random)
    let ran = (0..<threads.count).map { threads[$0].pointee.ranTicks }
    // One slice, and the 200 ticks that a thread may run past its end.
    #expect(ran.max()! - ran.min()! <= 1200)
  }

  @Test func sharesFollowTheWeights() {
    let nices = [-20, -10, -5, 0, 0, 5, 10]
    let threads = TestThreads(count: nices.count) { nices[$0] }
    var random = SeededGenerator(seed: 31)
    var queue = RunQueue<TestThread>(sliceTicks: 100_000)
    for index in 0..<threads.count { queue.enqueueNew(threads[index]) }
    #expect(queue.weightSum == 88761 + 9548 + 3121 + 1024 + 1024 + 335 + 110)
    run(&queue, for: 5_000_000_000, random: &random)
    let total = (0..<threads.count).reduce(0) { $0 + threads[$1].pointee.ranTicks }
    let weights = (0..<threads.count).map { Int64(threads[$0].pointee.scheduling.weight) }
    for index in 0..<threads.count {
      let expected = total * weights[index] / weights.reduce(0, +)
      let difference = abs(threads[index].pointee.ranTicks - expected)
      #expect(difference * 50 <= expected, "nice \(nices[index]): off by \(difference) of \(expected)")
    }
  }

  @Test func eachNiceLevelWeighsAboutAQuarterMoreThanTheNext() {
    let weights = (-20...19).map { SchedulingEntity(nice: $0).weight }
    #expect(weights[20] == 1024)
    for (larger, smaller) in zip(weights, weights.dropFirst()) {
      #expect(larger * 100 >= smaller * 119 && larger * 100 <= smaller * 132)
    }
    #expect(SchedulingEntity(nice: -1000).weight == weights[0])
    #expect(SchedulingEntity(nice: 1000).nice == 19)
  }

  @Test func changedNiceLevelChangesTheShare() {
    let threads = TestThreads(count: 2)
    var random = SeededGenerator(seed: 41)
    var queue = RunQueue<TestThread>(sliceTicks: 1000)
    for index in 0..<2 { queue.enqueueNew(threads[index]) }
    queue.setClaim(SchedulingClaim(nice: 5), of: threads[1], isRunning: false)
    #expect(queue.weightSum == 1024 + 335)
    run(&queue, for: 10_000_000, random: &random)
    let ratio = threads[0].pointee.ranTicks * 100 / threads[1].pointee.ranTicks
    #expect((295...315).contains(ratio))
    while queue.pickNext() != nil {}
    #expect(queue.weightSum == 0)
  }

  /// Threads that sleep for an instant after each short run, so that some are always freshly woken.
  @Test(arguments: [1, 8, 30]) func stormOfWakeupsStarvesNobodyAndGainsNothing(sleepers: Int) {
    let hogs = 3
    let threads = TestThreads(count: hogs + sleepers)
    var random = SeededGenerator(seed: 51)
    var queue = RunQueue<TestThread>(sliceTicks: 1000)
    for index in 0..<threads.count { queue.enqueueNew(threads[index]) }
    var now: UInt64 = 0
    var longestWait: UInt64 = 0
    var lastHogRun: UInt64 = 0
    while now < 20_000_000 {
      let thread = queue.pickNext()!
      let isHog = thread.pointee.number < hogs
      if isHog {
        longestWait = max(longestWait, now - lastHogRun)
      }
      let ticks = isHog ? thread.pointee.scheduling.remainingTicks : Int64(1 + random.below(40))
      now += UInt64(ticks)
      if isHog { lastHogRun = now }
      thread.pointee.ranTicks += ticks
      if queue.charge(thread, ticks: ticks, now: now), isHog {
        queue.requeueExpired(thread)
      } else {
        queue.enqueueWoken(thread, now: now)
      }
    }
    let fair = Int64(now) / Int64(threads.count)
    for index in 0..<threads.count {
      let ran = threads[index].pointee.ranTicks
      #expect(abs(ran - fair) <= fair / 50 + 2000, "thread \(index) ran \(ran) of a fair \(fair)")
    }
    #expect(longestWait <= UInt64(1040 * (sleepers + 1)))
  }

  /// Threads that sleep for just as long as renews their slices, one of them always ready: without a limit
  /// they would keep the round waiting for ever.
  @Test func sleepersInTurnsDoNotStarveTheRound() {
    let sleepers = 6
    let threads = TestThreads(count: sleepers + 1)
    var queue = RunQueue<TestThread>(sliceTicks: 1000)
    var wakeTimes = (0..<sleepers).map { (thread: $0, time: 10_000 + UInt64($0) * 990) }
    queue.enqueueNew(threads[sleepers])
    var now: UInt64 = 10_000
    while now < 10_000_000 {
      while let next = wakeTimes.first, next.time <= now {
        queue.enqueueWoken(threads[next.thread], now: now)
        wakeTimes.removeFirst()
      }
      guard let thread = queue.pickNext() else {
        now += 1
        continue
      }
      let ticks = min(thread.pointee.scheduling.remainingTicks, 990)
      now += UInt64(ticks)
      thread.pointee.ranTicks += ticks
      _ = queue.charge(thread, ticks: ticks, now: now)
      if thread.pointee.number == sleepers {
        queue.requeuePreempted(thread)
      } else {
        wakeTimes.append((thread.pointee.number, now + UInt64(sleepers - 1) * 990))
      }
    }
    let ran = (0...sleepers).map { threads[$0].pointee.ranTicks }
    let fair = Int64(now) / Int64(sleepers + 1)
    #expect(ran.allSatisfy { $0 * 10 >= fair * 8 }, "\(ran) of a fair \(fair)")
  }

  @Test func longOverrunIsForgivenInTheEnd() {
    let threads = TestThreads(count: 1)
    var queue = RunQueue<TestThread>(sliceTicks: 1000)
    for ticks in [5000, Int64.max] {
      queue.enqueueNew(threads[0])
      let thread = queue.pickNext()!
      #expect(queue.charge(thread, ticks: ticks, now: 1) == true)
      queue.requeueExpired(thread)
      #expect(queue.pickNext()!.pointee.scheduling.remainingTicks == 125)
    }
  }
}
