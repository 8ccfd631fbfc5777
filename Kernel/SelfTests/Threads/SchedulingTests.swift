import Core
import Machine
import System

/// Which thread runs where, and for how long.
enum SchedulingTests {
  static var all: [SelfTest] {
    [
      SelfTest("scheduler.preemption.interruptsBusyKernelThreads", preemptsBusyKernelThreads),
      SelfTest("scheduler.preemption.staysOffWhileDisabled", preemptionStaysOffWhileDisabled),
      SelfTest("scheduler.affinity.isRespected", affinityIsRespected),
      SelfTest("scheduler.affinity.forcesMigrations", affinityForcesMigrations),
      SelfTest("scheduler.affinity.changedOnTheWayLosesNoThread", affinityChangesLoseNoThread),
      SelfTest("scheduler.balance.spreadsBusyThreads", balanceSpreadsBusyThreads),
      SelfTest("scheduler.fairness.equalsGetEqualShares", equalsGetEqualShares),
      SelfTest("scheduler.fairness.niceLevelsSetShares", niceLevelsSetShares),
      SelfTest("scheduler.switch.everyOneOf10000ThreadsGetsTurns", everyThreadGetsTurns),
    ]
  }

  private static func preemptsBusyKernelThreads(_ test: Test) {
    let wanted: UInt64 = 21
    let group = WorkGroup()
    for _ in 0..<2 {
      group.start(affinity: Support.mask(of: Support.lastCPU)) { worker in
        guard let thread = worker.thread else { return }
        let isPreempted = Support.spin { thread.pointee.preemptions >= wanted }
        test.expect(isPreempted, "\(thread.pointee.preemptions) preemptions, \(wanted) expected")
      }
      // Each has the other as its reason to be preempted: both start before one ends.
    }
    let filler = Shared()
    group.start(affinity: Support.mask(of: Support.lastCPU)) { _ in
      _ = Support.spin { filler.value == 1 }
    }
    for worker in group.workers.prefix(2) {
      _ = Support.sleep { worker.preemptions >= wanted }
    }
    filler.value = 1
    group.wait()
  }

  private static func preemptionStaysOffWhileDisabled(_ test: Test) {
    let cpu = Support.lastCPU
    let stop = Shared()
    let turns = Shared()
    let group = WorkGroup()
    group.start(affinity: Support.mask(of: cpu)) { worker in
      guard let thread = worker.thread else { return }
      while turns.value == 0 { Scheduler.yield() }
      Preemption.disable()
      let switches = CPUs[cpu].pointee.switches
      let preemptions = thread.pointee.preemptions
      let turnsBefore = turns.value
      let isDue = Support.spin { cpuNeedsReschedule() != 0 }
      let ticks = CPUs[cpu].pointee.timerInterrupts
      let areTicks = Support.spin {
        CPUs[cpu].pointee.timerInterrupts >= ticks + 5
      }
      test.expect(isDue, "nobody wanted this CPU: nothing is proven")
      test.expect(areTicks, "no timer interrupt came: nothing is proven")
      test.expectEqual(CPUs[cpu].pointee.switches, switches, "switches on the CPU")
      test.expectEqual(turns.value, turnsBefore, "turns of another thread of the CPU")
      Preemption.enable()
      test.expect(thread.pointee.preemptions > preemptions, "what came meanwhile was not made up for")
      stop.value = 1
    }
    group.start(affinity: Support.mask(of: cpu)) { _ in
      while stop.value == 0 { turns.add(1) }
    }
    group.wait()
  }

  private static func affinityIsRespected(_ test: Test) {
    let group = WorkGroup()
    for cpu in 0..<CPUs.count {
      for _ in 0..<2 {
        group.start(affinity: Support.mask(of: cpu)) { worker in
          let deadline = Support.deadline(milliseconds: 50)
          while readTimeStampCounter() < deadline {
            test.expectEqual(Int(cpuNumber()), cpu, "the CPU that runs a thread")
            Scheduler.yield()
          }
          Sleep.milliseconds(2)
          test.expectEqual(Int(cpuNumber()), cpu, "the CPU after a sleep")
        }
      }
    }
    // Threads without affinity make the balance want to move the others.
    for _ in 0..<CPUs.count * 2 {
      group.start { _ in _ = Support.spin(limitInMilliseconds: 20) { false } }
    }
    group.wait()
  }

  private static func affinityForcesMigrations(_ test: Test) {
    if CPUs.count == 1 { return test.skip("needs two CPUs") }
    let group = WorkGroup()
    for index in 0..<2 {
      group.start { worker in
        let deadline = Support.deadline(milliseconds: Support.patience)
        for round in 0..<Support.forcedMigrations + 20 where readTimeStampCounter() < deadline {
          let target = (index + round) % CPUs.count
          Scheduler.setAffinity(of: Scheduler.current, Support.mask(of: target))
          test.expectEqual(Int(cpuNumber()), target, "the CPU after the change")
        }
      }
    }
    group.wait()
    for worker in group.workers {
      let wanted = UInt64(Support.forcedMigrations)
      test.expect(worker.migrations >= wanted, "\(worker.migrations) migrations, \(wanted) expected")
    }
  }

  /// All start on one CPU; once they may run anywhere, each CPU gets some of them.
  /// Threads that are on their way to another CPU, or give theirs up, are sent elsewhere by several at once.
  private static func affinityChangesLoseNoThread(_ test: Test) {
    if CPUs.count == 1 { return test.skip("needs two CPUs") }
    let wanted: UInt64 = Support.hasManyCPUs ? 50 : 1000
    let stop = Shared()
    let group = WorkGroup()
    let turns = (0..<4).map { _ in Shared() }
    for counter in turns {
      group.start { _ in
        while stop.value == 0 {
          counter.add(1)
          Scheduler.yield()
        }
      }
    }
    let victims = group.workers
    let hasStarted = Support.sleep { victims.allSatisfy { $0.thread != nil } }
    test.expect(hasStarted, "a thread does not start")
    RaceWidening.isOn = true
    let movers = WorkGroup()
    let seeds = [test.random.next(), test.random.next()]
    for number in 0..<2 {
      movers.start { _ in
        var random = RandomNumbers(seed: seeds[number])
        let deadline = Support.deadline(milliseconds: Support.patience)
        while readTimeStampCounter() < deadline {
          var isDone = true
          for worker in victims {
            guard let thread = worker.thread else { continue }
            if thread.pointee.migrations < wanted { isDone = false }
            Scheduler.setAffinity(of: thread, Support.mask(of: Int(random.next() % UInt64(CPUs.count))))
          }
          if isDone { return }
        }
      }
    }
    movers.wait()
    RaceWidening.isOn = false
    let migrations = victims.map { $0.thread?.pointee.migrations ?? 0 }.min() ?? 0
    test.expect(migrations >= wanted, "\(migrations) migrations, \(wanted) expected: nothing is proven")
    for (number, counter) in turns.enumerated() {
      let before = counter.value
      test.expect(Support.sleep { counter.value > before + 10 }, "thread \(number) stands still")
    }
    test.note("each of 4 threads was moved \(migrations) times and more")
    stop.value = 1
    group.wait()
  }

  private static func balanceSpreadsBusyThreads(_ test: Test) {
    if CPUs.count == 1 { return test.skip("needs two CPUs") }
    let allowed = Shared()
    let used = Shared()
    let all = Int(CPUs.allMask)
    let group = WorkGroup()
    for _ in 0..<CPUs.count * 2 {
      group.start(affinity: Support.mask(of: 0)) { worker in
        while allowed.value == 0 { Scheduler.yield() }
        Scheduler.setAffinity(of: Scheduler.current, .max)
        _ = Support.spin {
          let bit = 1 << Int(cpuNumber())
          if used.value & bit == 0 { used.insert(bit) }
          return used.value == all
        }
      }
    }
    allowed.value = 1
    group.wait()
    let migrations = group.workers.reduce(0) { $0 + $1.migrations }
    test.expectEqual(used.value, all, "the set of CPUs that were used")
    test.expect(migrations > 0, "no thread has migrated")
    test.note("\(migrations) migrations of \(CPUs.count * 2) threads")
  }

  /// Lets busy threads of one CPU compete, and watches what the kernel puts on each one's account.
  ///
  /// The queue shares out what it has charged, whoever took it: an account that the host has spoilt, by taking
  /// the CPU away in the middle of a turn, is made up for in the turns that follow.
  ///
  /// - Parameter areFair: looks at the TSC ticks of each since all of them compete.
  /// - Returns: the ticks when they were fair first, or when the patience ended.
  private static func compete(niceLevels: [Int], until areFair: ([UInt64]) -> Bool) -> [UInt64] {
    let stop = Shared()
    let running = Shared()
    let group = WorkGroup()
    for nice in niceLevels {
      group.start(nice: nice, affinity: Support.mask(of: Support.lastCPU)) { _ in
        running.add(1)
        while stop.value == 0 { spinHint() }
      }
    }
    _ = Support.sleep { running.value == niceLevels.count }
    let before = group.workers.map { $0.thread?.pointee.runTicks ?? 0 }
    // Many slices for each before the first look.
    let slices = Time.ticks(nanoseconds: 30_000_000) * UInt64(niceLevels.count)
    var shares: [UInt64] = []
    _ = Support.sleep {
      shares = []
      for (worker, start) in zip(group.workers, before) {
        shares.append((worker.thread?.pointee.runTicks ?? 0) &- start)
      }
      return shares.reduce(0, +) >= slices && areFair(shares)
    }
    stop.value = 1
    group.wait()
    return shares
  }

  private static func equalsGetEqualShares(_ test: Test) {
    func isNear(_ share: UInt64, _ mean: UInt64) -> Bool { share * 100 > mean * 60 && share * 100 < mean * 140 }
    let shares = compete(niceLevels: [0, 0, 0, 0]) { shares in
      let mean = shares.reduce(0, +) / 4
      return shares.allSatisfy { isNear($0, mean) }
    }
    let mean = shares.reduce(0, +) / 4
    for share in shares {
      test.expect(isNear(share, mean), "a share of \(share) ticks where \(mean) is the mean")
    }
  }

  /// Twenty levels are a factor of 87. The exact shares are the host tests' to prove: a busy host makes a turn
  /// last longer than a short slice, and the queue forgives what a thread could not help.
  private static func niceLevelsSetShares(_ test: Test) {
    func percent(_ shares: [UInt64]) -> UInt64 { shares[0] * 100 / max(shares[1], 1) }
    let shares = compete(niceLevels: [-10, 10]) { percent($0) >= 300 }
    test.expect(percent(shares) >= 300, "nice -10 had only \(percent(shares)) % of the time of nice 10")
    test.note("nice -10 had \(percent(shares)) % of the time of nice 10")
  }

  /// Threads of one CPU that do nothing but yield: however many they are, each comes to its turn again.
  ///
  /// The time that a switch takes is noted, and nothing is expected of it: threads that miss the caches, and a
  /// busy host, change it many times over. The benchmark counts instructions.
  private static func everyThreadGetsTurns(_ test: Test) {
    if Support.hasManyCPUs { return test.skip("the same with fewer CPUs") }
    let cpu = Support.lastCPU
    let deadline = Support.deadline(milliseconds: Support.patience)
    let stop = Shared()
    let hadTurns = Shared()
    let group = WorkGroup()
    // The one that measures goes before those that are measured where they share the CPU.
    let measuring = WorkGroup()
    measuring.start(nice: -20) { _ in
      var reached = 0
      for count in [2, 10, 100, 1000, 10_000] {
        while group.workers.count < count, readTimeStampCounter() < deadline {
          // Leave memory for everything else: 16 KiB of stack and the record for each.
          if Frames.freeCount < Frames.reserve + 4096 { break }
          let worker = group.start(affinity: Support.mask(of: cpu)) { _ in
            for _ in 0..<2 { Scheduler.yield() }
            hadTurns.add(1)
            while stop.value == 0 { Scheduler.yield() }
          }
          if worker == nil { break }
        }
        let started = group.workers.count
        _ = Support.sleep { hadTurns.value == started }
        test.expectEqual(hadTurns.value, started, "threads that had three turns")
        test.note("\(started) threads: \(ticksPerSwitch(on: cpu)) ticks per switch")
        reached = started
        if started < count { break }
      }
      test.expect(reached >= 100, "only \(reached) threads could be started")
      stop.value = 1
      group.wait()
    }
    measuring.wait()
  }

  private static func ticksPerSwitch(on cpu: Int) -> UInt64 {
    let record = CPUs[cpu]
    let startSwitches = record.pointee.switches
    let start = readTimeStampCounter()
    Sleep.milliseconds(25)
    let ticks = readTimeStampCounter() &- start
    return ticks / max(record.pointee.switches &- startSwitches, 1)
  }
}
