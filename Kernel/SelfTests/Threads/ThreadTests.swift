import Core
import Machine
import System

/// Making, ending, waking and sleeping.
enum ThreadTests {
  static var all: [SelfTest] {
    [
      SelfTest("threads.end.onAllCPUsGivesMemoryBack") {
        endGivesMemoryBack($0, count: 1000, affinity: .max, milliseconds: 500)
      },
      SelfTest("threads.end.ofManyThreadsGivesMemoryBack") {
        endGivesMemoryBack($0, count: 100_000, affinity: 1, milliseconds: 3000)
      },
      SelfTest("threads.end.of100000ThreadsGivesMemoryBack", isLong: true, limitInMilliseconds: 600_000) {
        endGivesMemoryBack($0, count: 100_000, affinity: 1, milliseconds: 500_000)
      },
      SelfTest("threads.identifiers.comeAgainOnceTheyAreFree", identifiersComeAgainOnceTheyAreFree),
      SelfTest("threads.wake.isNeverLost", wakeIsNeverLost),
      SelfTest("threads.wake.reachesEveryWaiter", wakeReachesEveryWaiter),
      SelfTest("threads.sleep.isNeverShort", sleepIsNeverShort),
      SelfTest("threads.wait.timesOut", waitTimesOut),
    ]
  }

  /// Behind the last identifier they begin anew, and pass over those of threads and processes that there are.
  private static func identifiersComeAgainOnceTheyAreFree(_ test: Test) {
    let before = SelfTestAccess.lastIdentifier
    defer { SelfTestAccess.setNextIdentifier(before + 1) }
    let limit = SelfTestAccess.identifierLimit
    SelfTestAccess.setNextIdentifier(limit - 1)
    test.expectEqual(SelfTestAccess.makeIdentifier(), limit - 1, "the last identifier")
    let first = SelfTestAccess.makeIdentifier()
    test.expect(first >= 300 && first < limit - 1, "behind the last identifier comes \(first)")
    let next = SelfTestAccess.makeIdentifier()
    test.expect(next > first && next < limit, "behind \(first) comes \(next)")
    SelfTestAccess.setNextIdentifier(SelfTestAccess.ownIdentifier)
    let other = SelfTestAccess.makeIdentifier()
    test.expect(other > SelfTestAccess.ownIdentifier, "\(other) is given twice")
    do throws(ProgramError) {
      let program = try Programs.start("/bin/integer", "--rounds 0 --quiet")
      SelfTestAccess.setNextIdentifier(program.identifier)
      let free = SelfTestAccess.makeIdentifier()
      test.expect(free > program.identifier, "\(free) is given twice, to a process")
      program.kill(.kill)
      _ = program.waitForEnd(until: Support.deadline(milliseconds: Support.patience))
    } catch {
      test.expect(false, "/bin/integer: \(error.message)")
    }
  }

  /// As many threads as the time allows, at most `count`. Fifty at a time; in the warm-up all fifty at once,
  /// which is the most memory that is ever in use.
  private static func endGivesMemoryBack(
    _ test: Test, count: Int, affinity: UInt64, milliseconds: UInt64
  ) {
    if affinity != .max { Scheduler.setAffinity(of: Scheduler.current, affinity) }
    let threads = Threads.count
    let gate = Shared()
    let group = WorkGroup()
    for _ in 0..<50 {
      group.start(affinity: affinity) { _ in
        while gate.value == 0 { Sleep.milliseconds(1) }
      }
    }
    gate.value = 1
    group.wait()
    Support.settle(downTo: threads)
    let bytes = KernelHeap.bytesInUse
    let frames = Frames.freeCount
    let start = readTimeStampCounter()
    let deadline = Support.deadline(milliseconds: milliseconds)
    let ended = startAndEnd(test, count: count, affinity, downTo: threads, until: deadline)
    let ticks = readTimeStampCounter() &- start
    Support.settle(downTo: threads)
    test.expectEqual(Threads.count, threads, "threads")
    test.expectEqual(KernelHeap.bytesInUse, bytes, "bytes of the heap in use")
    test.expectEqual(Frames.freeCount, frames, "free frames")
    test.expect(ended >= 50, "\(ended) threads have ended, at least 50 expected")
    test.note("\(ended) threads, \(Time.nanoseconds(ticks: ticks) / UInt64(max(ended, 1))) ns each")
  }

  /// - Returns: how many threads have run.
  private static func startAndEnd(
    _ test: Test, count: Int, _ affinity: UInt64, downTo threads: Int, until deadline: UInt64
  ) -> Int {
    let size = 50
    let ran = Shared()
    let argument = UInt64(UInt(bitPattern: Unmanaged.passUnretained(ran).toOpaque()))
    var started = 0
    while started < count, readTimeStampCounter() < deadline {
      var batch = 0
      while batch < size, started < count {
        let isStarted = Threads.startKernelThread(affinity: affinity, argument: argument) { argument in
          // SAFETY: `ran` outlives the threads, which are waited for below.
          let pointer = UnsafeRawPointer(bitPattern: UInt(argument)).unsafelyUnwrapped
          Unmanaged<Shared>.fromOpaque(pointer).takeUnretainedValue().add(1)
        }
        if !isStarted {
          test.expect(false, "thread \(started) was refused")
          return ran.value
        }
        started += 1
        batch += 1
      }
      while Threads.count > threads {
        SelfTestAccess.reapEndedThreads()
        Scheduler.yield()
      }
    }
    test.expectEqual(ran.value, started, "threads that ran")
    return withExtendedLifetime(ran) { ran.value }
  }

  /// Two threads on different CPUs wake each other in turns: one lost wake-up and neither goes on.
  private static func wakeIsNeverLost(_ test: Test) {
    let rounds = 1000
    let deadline = Support.deadline(milliseconds: 1000)
    let stop = Shared()
    let turn = Shared()
    let queues = [WaitQueue(), WaitQueue()]
    let group = WorkGroup()
    for player in 0..<2 {
      group.start(affinity: Support.mask(of: player == 0 ? 0 : Support.lastCPU)) { _ in
        for round in 0..<rounds {
          let outcome = queues[player].wait { turn.value == round * 2 + player || stop.value != 0 }
          test.expect(outcome == .satisfied, "the wait of round \(round) was not satisfied")
          if stop.value != 0 { break }
          // Only the first ends it, so that both have played the same rounds.
          if player == 0, readTimeStampCounter() >= deadline { stop.value = 1 } else { turn.add(1) }
          queues[1 - player].wake()
        }
      }
    }
    group.wait()
    test.expect(turn.value >= 20, "\(turn.value) turns, at least 20 expected")
    test.note("\(turn.value) turns")
  }

  private static func wakeReachesEveryWaiter(_ test: Test) {
    let gate = Shared()
    let queue = WaitQueue()
    let group = WorkGroup()
    let waiting = Shared()
    for _ in 0..<64 {
      group.start { _ in
        waiting.add(1)
        _ = queue.wait { gate.value != 0 }
        waiting.add(-1)
      }
    }
    while waiting.value < 64 { Scheduler.yield() }
    Sleep.milliseconds(5)
    test.expectEqual(waiting.value, 64, "threads that wait for what is not true yet")
    gate.value = 1
    queue.wake()
    group.wait()
    test.expectEqual(waiting.value, 0, "threads that still wait")
  }

  private static func sleepIsNeverShort(_ test: Test) {
    let group = WorkGroup()
    for index in 0..<16 {
      group.start { _ in
        for round in 0..<4 {
          let length = UInt64(1 + (index + round) % 7)
          let start = readTimeStampCounter()
          Sleep.milliseconds(length)
          let slept = readTimeStampCounter() &- start
          let expected = Time.ticks(nanoseconds: length * 1_000_000)
          // The counters of two CPUs may differ a little.
          test.expect(slept + expected / 50 >= expected, "slept \(slept) of \(expected) ticks")
        }
      }
    }
    group.wait()
  }

  private static func waitTimesOut(_ test: Test) {
    let queue = WaitQueue()
    let start = readTimeStampCounter()
    let length = Time.ticks(nanoseconds: 3_000_000)
    let outcome = queue.wait(until: start &+ length) { false }
    test.expect(outcome == .timedOut, "the wait ended in another way")
    test.expect(readTimeStampCounter() &- start >= length, "the wait ended early")
    test.expectEqual(queue.wake(), 0, "threads left on the queue")
  }
}
