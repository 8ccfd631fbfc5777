import Core
import Testing

@Suite struct RunQueueTests {
  @Test func threadsTakeTurnsAsTheirSlicesEnd() {
    let threads = TestThreads(count: 3)
    var queue = RunQueue<TestThread>(sliceTicks: 100)
    for index in 0..<3 { queue.enqueueNew(threads[index]) }
    var order: [Int] = []
    for _ in 0..<6 {
      let picked = queue.pickNext()!
      order.append(picked.pointee.number)
      #expect(queue.charge(picked, ticks: 99, now: 0) == false)
      #expect(queue.charge(picked, ticks: 1, now: 0) == true)
      queue.requeueExpired(picked)
    }
    #expect(order == [0, 1, 2, 0, 1, 2])
  }

  @Test func preemptedThreadGoesOnWithTheRestOfItsSlice() {
    let threads = TestThreads(count: 2)
    var queue = RunQueue<TestThread>(sliceTicks: 100)
    for index in 0..<2 { queue.enqueueNew(threads[index]) }
    let first = queue.pickNext()!
    #expect(queue.charge(first, ticks: 40, now: 40) == false)
    queue.requeuePreempted(first)
    #expect(queue.pickNext() == first)
    #expect(first.pointee.scheduling.remainingTicks == 60)
  }

  @Test func wokenThreadRunsBeforeTheRound() {
    let threads = TestThreads(count: 3)
    var queue = RunQueue<TestThread>(sliceTicks: 100)
    for index in 0..<3 { queue.enqueueNew(threads[index]) }
    let sleeper = queue.pickNext()!
    #expect(queue.charge(sleeper, ticks: 30, now: 30) == false)
    let running = queue.pickNext()!
    #expect(!queue.shouldPreempt)
    queue.enqueueWoken(sleeper, now: 50)
    #expect(queue.shouldPreempt)
    #expect(sleeper.pointee.scheduling.enqueuedAt == 50)
    queue.requeuePreempted(running)
    #expect(queue.pickNext() == sleeper)
    // Sleeping for less than a round gave it nothing.
    #expect(sleeper.pointee.scheduling.remainingTicks == 70)
    // Woken threads do not preempt each other.
    let other = queue.pickNext()!
    _ = queue.charge(other, ticks: 1, now: 60)
    queue.enqueueWoken(other, now: 61)
    #expect(queue.pickNext() == other)
    queue.enqueueWoken(sleeper, now: 62)
    #expect(!queue.shouldPreempt)
  }

  @Test func idleProcessorMakesRoomForAnyThread() {
    let threads = TestThreads(count: 1)
    var queue = RunQueue<TestThread>(sliceTicks: 100)
    #expect(queue.pickNext() == nil)
    #expect(!queue.shouldPreempt)
    queue.enqueueNew(threads[0])
    #expect(queue.shouldPreempt)
  }

  @Test func sleepOfAWholeRoundRenewsTheSlice() {
    let threads = TestThreads(count: 3)
    var queue = RunQueue<TestThread>(sliceTicks: 100)
    for index in 0..<3 { queue.enqueueNew(threads[index]) }
    let sleeper = queue.pickNext()!
    _ = queue.charge(sleeper, ticks: 30, now: 30)
    let running = queue.pickNext()!
    // One that runs, one that waits and its own turn: 300 ticks.
    queue.enqueueWoken(sleeper, now: 329)
    #expect(sleeper.pointee.scheduling.remainingTicks == 70)
    queue.remove(sleeper)
    queue.enqueueWoken(sleeper, now: 330)
    #expect(sleeper.pointee.scheduling.remainingTicks == 100)
    queue.requeuePreempted(running)
  }

  @Test func sleeperWithoutSliceWaitsForItsTurn() {
    let threads = TestThreads(count: 2)
    var queue = RunQueue<TestThread>(sliceTicks: 100)
    for index in 0..<2 { queue.enqueueNew(threads[index]) }
    let sleeper = queue.pickNext()!
    #expect(queue.charge(sleeper, ticks: 110, now: 110) == true)
    queue.enqueueWoken(sleeper, now: 120)
    #expect(sleeper.pointee.scheduling.queueState == .main)
    // The ten ticks that it ran too long are made up for.
    #expect(sleeper.pointee.scheduling.remainingTicks == 90)
    #expect(queue.pickNext() == threads[1])
  }

  @Test func yieldingGainsNoTime() {
    let threads = TestThreads(count: 2)
    var queue = RunQueue<TestThread>(sliceTicks: 100)
    for index in 0..<2 { queue.enqueueNew(threads[index]) }
    let first = queue.pickNext()!
    _ = queue.charge(first, ticks: 40, now: 40)
    queue.requeueYielded(first)
    #expect(first.pointee.scheduling.remainingTicks == 60)
    #expect(queue.pickNext() == threads[1])
  }

  @Test func candidateForAnotherProcessorComesFromTheEnd() {
    let threads = TestThreads(count: 40)
    var queue = RunQueue<TestThread>(sliceTicks: 100)
    for index in 0..<40 { queue.enqueueNew(threads[index]) }
    #expect(queue.stealCandidate { _ in true } == threads[39])
    #expect(queue.stealCandidate { $0.pointee.number < 25 } == threads[24])
    var asked = 0
    let none = queue.stealCandidate { _ in
      asked += 1
      return false
    }
    #expect(none == nil)
    #expect(asked == 16)
    #expect(queue.remove(threads[24]) == true)
    #expect(queue.remove(threads[24]) == false)
    #expect(queue.count == 39)
  }

  @Test func emptyQueueHasNothing() {
    var queue = RunQueue<TestThread>(sliceTicks: 100)
    #expect(queue.pickNext() == nil)
    #expect(queue.stealCandidate { _ in true } == nil)
    #expect(queue.count == 0)
    #expect(queue.weightSum == 0)
  }
}
