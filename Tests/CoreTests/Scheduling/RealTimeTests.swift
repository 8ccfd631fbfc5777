import Core
import Testing

@Suite struct RealTimeTests {
  /// A queue with one thread for each claim, all just added.
  private func makeQueue(_ claims: [SchedulingClaim]) -> (RunQueue<TestThread>, TestThreads) {
    let threads = TestThreads(count: claims.count)
    var queue = RunQueue<TestThread>(sliceTicks: 300)
    for index in 0..<claims.count {
      threads[index].pointee.scheduling.set(claims[index])
      queue.enqueueNew(threads[index])
    }
    return (queue, threads)
  }

  private func priority(_ value: UInt8, isRoundRobin: Bool = false) -> SchedulingClaim {
    SchedulingClaim(nice: 0, priority: value, isRoundRobin: isRoundRobin)
  }

  @Test func higherPrioritiesRunFirstAndEqualOnesInTheirOrder() {
    var (queue, threads) = makeQueue([0, 1, 99, 63, 64, 63, 0].map { priority($0) })
    var order: [Int] = []
    #expect(queue.count == 7 && queue.weightSum == 2048 && queue.waitingPriority == 99)
    while let next = queue.pickNext() { order.append(next.pointee.number) }
    #expect(order == [2, 4, 3, 5, 1, 0, 6])
    #expect(queue.count == 0 && queue.weightSum == 0 && queue.waitingPriority == 0)
    withExtendedLifetime(threads) {}
  }

  @Test func firstInFirstOutGoesOnUntilItYields() {
    var (queue, threads) = makeQueue([priority(5), priority(5), priority(0)])
    let first = queue.pickNext()!
    #expect(queue.charge(first, ticks: 20000, now: 20000) == false)
    queue.requeuePreempted(first)
    #expect(queue.pickNext() == first)
    queue.requeueYielded(first)
    #expect(queue.pickNext() == threads[1])
  }

  @Test func roundRobinTakesTurnsByItsSlice() {
    let claim = priority(5, isRoundRobin: true)
    var (queue, threads) = makeQueue([claim, claim])
    #expect(queue.roundRobinTicks == 10_000)
    let first = queue.pickNext()!
    #expect(queue.charge(first, ticks: 9999, now: 9999) == false)
    #expect(queue.charge(first, ticks: 1, now: 10_000) == true)
    queue.requeueExpired(first)
    #expect(queue.pickNext() == threads[1])
    #expect(queue.charge(threads[1], ticks: 1, now: 10_001) == false)
    queue.requeuePreempted(threads[1])
    #expect(queue.pickNext() == threads[1])
  }

  @Test func runningThreadMakesRoomForAHigherPriorityAlone() {
    var (queue, threads) = makeQueue([priority(5)])
    let sleeper = TestThreads(count: 3)
    sleeper[0].pointee.scheduling.set(priority(5))
    sleeper[1].pointee.scheduling.set(priority(6))
    _ = queue.pickNext()
    #expect(queue.runningPriority == 5)
    queue.enqueueWoken(sleeper[2], now: 1000)
    #expect(!queue.shouldPreempt)
    queue.enqueueWoken(sleeper[0], now: 1000)
    #expect(!queue.shouldPreempt && !queue.isRunningOutranked)
    queue.enqueueWoken(sleeper[1], now: 1000)
    #expect(queue.shouldPreempt && queue.isRunningOutranked)
    queue.requeuePreempted(threads[0])
    #expect(queue.pickNext() == sleeper[1])
    #expect(queue.pickNext() == threads[0])
    #expect(queue.pickNext() == sleeper[0])
    #expect(queue.pickNext() == sleeper[2])
  }

  @Test func changedPriorityTakesEffectAtOnce() {
    var (queue, threads) = makeQueue([priority(0), priority(0), priority(3)])
    let running = queue.pickNext()!
    #expect(running == threads[2])
    queue.setClaim(priority(7), of: threads[1], isRunning: false)
    #expect(queue.isRunningOutranked)
    queue.setClaim(priority(8), of: running, isRunning: true)
    #expect(!queue.isRunningOutranked)
    queue.setClaim(priority(0), of: running, isRunning: true)
    #expect(queue.isRunningOutranked)
    queue.requeuePreempted(running)
    #expect(queue.pickNext() == threads[1])
    queue.setClaim(priority(0), of: threads[1], isRunning: true)
    #expect(queue.count == 2 && queue.weightSum == 2048)
    #expect(queue.remove(threads[0]) == true)
    #expect(queue.remove(threads[2]) == true)
    #expect(queue.count == 0 && queue.weightSum == 0)
  }

  @Test func othersAreLeftATwentiethOfEachSecond() {
    var (queue, threads) = makeQueue([priority(50), priority(0)])
    var now: UInt64 = 0
    for _ in 0..<40_000 {
      let next = queue.pickNext()!
      now += 25
      queue.noteTime(now)
      next.pointee.ranTicks += 25
      if queue.charge(next, ticks: 25, now: now) { queue.requeueExpired(next) } else { queue.requeuePreempted(next) }
    }
    // A second is 100,000 ticks, and the whole is ten.
    #expect((48_000...51_000).contains(threads[1].pointee.ranTicks))
    #expect(threads[0].pointee.ranTicks + threads[1].pointee.ranTicks == 1_000_000)
  }

  @Test func realTimeThreadIsStolenFirst() {
    let (queue, threads) = makeQueue([priority(0), priority(4), priority(9)])
    #expect(queue.stealCandidate { _ in true } == threads[2])
    #expect(queue.stealCandidate { $0.pointee.number != 2 } == threads[0])
  }
}
