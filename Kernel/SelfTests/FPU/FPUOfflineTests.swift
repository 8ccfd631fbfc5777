import Core
import Machine
import System

/// CPUs that go out of use and come back while programs have their state in them.
enum FPUOfflineTests {
  static var all: [SelfTest] {
    [SelfTest("fpu.offline.leavesNoOwnerAndLosesNoRegister", leavesNoOwner)]
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
