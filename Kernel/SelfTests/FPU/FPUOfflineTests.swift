import Core
import Machine
import System

/// CPUs that go out of use and come back while programs have their state in them.
enum FPUOfflineTests {
  static var all: [SelfTest] {
    [
      SelfTest("fpu.offline.leavesNoOwnerAndLosesNoRegister", leavesNoOwner),
      SelfTest("fpu.offline.endsWhereTheCPUIsBroughtBackAtOnce", isBroughtBackAtOnce),
    ]
  }

  /// Whoever takes a CPU out of use is done with it before somebody else puts it back: in use, with threads that run
  /// nowhere else, it would never be empty.
  private static func isBroughtBackAtOnce(_ test: Test) {
    if CPUs.count == 1 { return test.skip("needs two CPUs") }
    let number = 1
    let rounds = Support.hasManyCPUs ? 5 : 20
    let programs = PatternPrograms(test)
    programs.startAllKinds(affinity: Support.mask(of: number))
    _ = Support.sleep { SelfTestAccess.fpuOwner(of: number) != nil }
    let done = Shared()
    let isOver = Shared()
    let group = WorkGroup()
    group.start { _ in
      while done.value < rounds, isOver.value == 0 {
        do throws(CPUOffline.Refusal) {
          try CPUOffline.takeOffline(number)
          done.add(1)
        } catch {
          Sleep.milliseconds(1)
        }
      }
    }
    var returns = 0
    let isDone = Support.sleep {
      do throws(CPUOffline.Refusal) {
        try CPUOffline.bringOnline(number)
        returns += 1
      } catch {}
      return done.value >= rounds
    }
    test.expect(isDone, "\(done.value) of \(rounds) times the CPU went out of use")
    test.expect(returns >= rounds - 1, "it came back \(returns) times")
    isOver.value = 1
    programs.end()
    test.expect(group.wait(limitInMilliseconds: Support.patience), "who takes the CPU out of use does not return")
    do throws(CPUOffline.Refusal) { try CPUOffline.bringOnline(number) } catch {}
  }

  private static func leavesNoOwner(_ test: Test) {
    if CPUs.count == 1 { return test.skip("needs two CPUs") }
    let number = 1
    let programs = PatternPrograms(test)
    programs.startAllKinds(affinity: 0b11)
    // Two of the above use no register that has an owner, and chance may leave the CPU to them: this one goes
    // back to it each time.
    programs.start("/bin/sse", affinity: Support.mask(of: number))
    for round in 0..<(Support.hasManyCPUs ? 5 : 10) {
      // The CPU has been used again since it came back, and its registers are somebody's.
      let isUsed = Support.sleep { SelfTestAccess.fpuOwner(of: number) != nil }
      test.expect(isUsed, "round \(round): no program used the CPU's registers")
      change(test, "take offline") { () throws(CPUOffline.Refusal) in try CPUOffline.takeOffline(number) }
      test.expect(SelfTestAccess.fpuOwner(of: number) == nil, "round \(round): an owner is left")
      // One CPU is left for all of them, so that each is preempted.
      test.expect(programs.waitForPreemptions(2), "round \(round): a program stands still while the CPU is offline")
      test.expect(SelfTestAccess.fpuOwner(of: number) == nil, "round \(round): a thread ran there")
      change(test, "bring online") { () throws(CPUOffline.Refusal) in try CPUOffline.bringOnline(number) }
    }
    expectRefusal(test, .alreadyOnline) { () throws(CPUOffline.Refusal) in try CPUOffline.bringOnline(number) }
    expectRefusal(test, .firstCPU) { () throws(CPUOffline.Refusal) in try CPUOffline.takeOffline(0) }
    expectRefusal(test, .noSuchCPU) { () throws(CPUOffline.Refusal) in try CPUOffline.takeOffline(CPUs.count) }
    test.expect(programs.wait { $0.preemptions >= 20 }, "not every program was preempted 20 times")
    let counters = programs.counters
    programs.end()
    FPUContractTests.expectLoadsToAddUp(test, counters)
  }

  private static func change(
    _ test: Test, _ what: StaticString, _ body: () throws(CPUOffline.Refusal) -> Void
  ) {
    do throws(CPUOffline.Refusal) {
      try body()
    } catch {
      test.expect(false, "\(what): \(error.message)")
    }
  }

  private static func expectRefusal(
    _ test: Test, _ expected: CPUOffline.Refusal, _ body: () throws(CPUOffline.Refusal) -> Void
  ) {
    var refusal: CPUOffline.Refusal?
    do throws(CPUOffline.Refusal) {
      try body()
    } catch {
      refusal = error
    }
    test.expect(refusal == expected, "not refused with: \(expected.message)")
  }
}
