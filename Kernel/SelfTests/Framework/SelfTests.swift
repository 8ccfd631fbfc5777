import Core
import Machine
import System

/// The tests in the guest, and their report on the console as KTAP (Linux: Documentation/dev-tools/ktap.rst).
public enum SelfTests {
  private static var all: [SelfTest] {
    MemoryTests.all + ScarcityTests.all + PageStoreTests.all + ThreadTests.all + SchedulingTests.all
      + ProgramTests.all + KernelSIMDTests.all
      + FPUContractTests.all + FPUStateAccessTests.all
      + FPUOfflineTests.all + PanicTests.all + FPUChangeTests.all
  }

  /// Runs the tests that the boot line asks for, one after the other. In a thread.
  ///
  /// - Returns: whether none failed. A test that hangs ends the machine.
  public static func run(_ options: BootOptions) -> Bool {
    let seed = options.seed ?? readTimeStampCounter()
    let selected = all.filter { test in
      guard let filter = options.selfTestFilter else { return !test.isFatal }
      return test.isFatal ? filter == test.name : ByteView(test.name).contains(filter)
    }
    SelfTestAccess.reapEndedThreads()
    let before = Activity()
    Console.print("KTAP version 1")
    Console.print("1..\(selected.count)")
    Console.print("# repeat with seed=\(hex: seed)")
    var passed = 0
    var failed = 0
    var skipped = 0
    for (index, selfTest) in selected.enumerated() {
      let number = index + 1
      if selfTest.isLong, !options.runsLongSelfTests {
        Console.print("ok \(number) - \(selfTest.name) # SKIP takes long: selftest.long runs it")
        skipped += 1
        continue
      }
      let test = Test(seed: seed &+ UInt64(number))
      runInThread(selfTest, test)
      if test.hasFailed {
        Console.print("not ok \(number) - \(selfTest.name)")
        failed += 1
      } else if let reason = test.skipReason {
        Console.print("ok \(number) - \(selfTest.name) # SKIP \(reason)")
        skipped += 1
      } else {
        Console.print("ok \(number) - \(selfTest.name)")
        passed += 1
      }
    }
    Console.print("# \(passed) passed, \(failed) failed, \(skipped) skipped")
    before.printDifference()
    return failed == 0 && passed > 0
  }

  private static func runInThread(_ selfTest: SelfTest, _ test: Test) {
    let threads = Threads.count
    let start = readTimeStampCounter()
    let group = WorkGroup()
    group.start { _ in selfTest.body(test) }
    if !group.wait(limitInMilliseconds: selfTest.limitInMilliseconds) {
      Hang.report(selfTest)
    }
    let milliseconds = Time.nanoseconds(ticks: readTimeStampCounter() &- start) / 1_000_000
    // What is left of its threads must not change what the next test counts.
    let isSettled = Support.settle(downTo: threads)
    test.expect(isSettled, "\(Threads.count - threads) threads are left")
    if milliseconds > 300 { Console.print("# the next took \(milliseconds) ms") }
  }
}
