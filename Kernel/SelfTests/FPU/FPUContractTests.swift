import Core
import Machine
import System

/// The rows of the FPU contract, by programs that use the registers, under the strategy that was booted. Each
/// notes it, with the switches that its programs went through.
enum FPUContractTests {
  static var all: [SelfTest] {
    [
      SelfTest("fpu.switch.keepsEveryRegisterUnderPreemption", switchKeepsEveryRegister),
      SelfTest("fpu.migration.restoresOnTheNewCPU", migrationRestores),
      SelfTest("fpu.migration.neverTrustsWhatACPUHeldBefore", migrationBackAndForth),
      SelfTest("fpu.load.isSkippedWhereRegistersAreStillTheThreads", loadIsSkipped),
      SelfTest("fpu.lazy.threadWithoutFPUCostsNothing", threadWithoutFPUCostsNothing),
      SelfTest("fpu.lazy.firstUseTrapsAndSteadyUseDoesNot", firstUseTraps),
      SelfTest("fpu.kernelSection.keepsRegistersOfPrograms", kernelSectionKeepsRegisters),
      SelfTest("fpu.fork.copiesLiveRegistersAndExecClearsThem", forkCopiesLiveRegisters),
      SelfTest("fpu.threads.ofOneProgramShareNoRegisters", threadsShareNoRegisters),
      SelfTest("fpu.exit.leavesNoOwnerBehind", exitLeavesNoOwnerBehind),
      SelfTest("fpu.restore.thatFaultsEndsTheProgramAlone", restoreThatFaultsEndsTheProgram),
      SelfTest("fpu.exceptions.pendingOneFiresInNoOtherThread", pendingExceptionFiresInNoOtherThread),
      SelfTest("fpu.exceptions.areChargedToTheirThread", exceptionsAreChargedToTheirThread),
    ]
  }

  /// Every load was a restore or skipped: none faulted, none is missing.
  static func expectLoadsToAddUp(_ test: Test, _ counters: FPUCounters) {
    let sum = counters[.restore] &+ counters[.restoreSkipped] &+ counters[.restoreFailed]
    // A program may be between the two counts.
    test.expect(counters[.load] &- sum <= 16, "\(counters[.load]) loads, but \(sum) restores and skips")
    test.expectEqual(counters[.restoreFailed], 0, "restores that faulted")
  }

  private static func switchKeepsEveryRegister(_ test: Test) {
    let programs = PatternPrograms(test)
    programs.startAllKindsOnTwoCPUs()
    let isReached = programs.wait { $0.preemptions >= 20 }
    test.expect(isReached, "not every program was preempted 20 times: nothing is proven")
    let counters = programs.counters
    let intact = programs.end()
    test.expect(intact >= 4, "only \(intact) programs ran")
    test.expect(counters[.save] > 0 && counters[.restore] > 0, "nothing was saved and restored")
    expectLoadsToAddUp(test, counters)
  }

  private static func migrationRestores(_ test: Test) {
    if CPUs.count == 1 { return test.skip("needs two CPUs") }
    let wanted = Support.forcedMigrations
    let programs = PatternPrograms(test)
    programs.startAllKinds()
    programs.forceMigrations(wanted)
    for program in programs.programs where !program.isUnsupported {
      let counters = program.process.counters
      test.expect(
        counters.migrations >= UInt64(wanted) && counters.preemptions >= 20,
        "\(program.path): \(counters.migrations) migrations, \(wanted) expected, \(counters.preemptions) preemptions")
    }
    let counters = programs.counters
    programs.end()
    expectLoadsToAddUp(test, counters)
  }

  /// One program alone, back and forth between two CPUs: each still names it as the owner when it comes back,
  /// and holds what it had there before.
  private static func migrationBackAndForth(_ test: Test) {
    if CPUs.count == 1 { return test.skip("needs two CPUs") }
    let wanted = UInt64(Support.forcedMigrations)
    let programs = PatternPrograms(test)
    programs.start("/bin/mixed", "--rounds 0 --spin 2000 --quiet", affinity: 1)
    var round = 0
    let isReached = programs.wait {
      round += 1
      for program in programs.programs {
        program.process.forEachThread { Scheduler.setAffinity(of: $0, Support.mask(of: round & 1)) }
      }
      return $0.migrations >= wanted
    }
    let counters = programs.counters
    programs.end()
    test.expect(isReached, "not \(wanted) migrations: nothing is proven")
    expectLoadsToAddUp(test, counters)
  }

  /// One program and busy kernel threads on a CPU: nobody else uses the registers, so nothing is restored.
  private static func loadIsSkipped(_ test: Test) {
    let mask = Support.mask(of: Support.lastCPU)
    let stop = Shared()
    let group = WorkGroup()
    group.start(affinity: mask) { _ in
      while stop.value == 0 { spinHint() }
    }
    let programs = PatternPrograms(test)
    programs.start("/bin/sse", affinity: mask)
    let isReached = programs.wait { $0.preemptions >= 10 }
    let before = programs.counters
    let isContinued = programs.waitForPreemptions(20)
    let counters = programs.counters - before
    stop.value = 1
    group.wait()
    programs.end()
    test.expect(isReached && isContinued, "the program was not preempted 30 times: nothing is proven")
    test.expect(counters[.restoreSkipped] >= 18, "\(counters[.restoreSkipped]) restores skipped in 20 switches")
    test.expectEqual(counters[.restore], 0, "restores of what the registers held")
  }

  private static func threadWithoutFPUCostsNothing(_ test: Test) {
    guard KernelFPU.strategy == .lazy else { return test.skip("of the lazy strategy") }
    let programs = PatternPrograms(test)
    let mask = Support.mask(of: Support.lastCPU)
    programs.start("/bin/integer", affinity: mask)
    programs.start("/bin/integer", affinity: mask)
    test.expect(programs.wait { $0.preemptions >= 20 }, "not preempted 20 times: nothing is proven")
    let counters = programs.counters
    programs.end()
    test.expectEqual(counters[.save], 0, "saves")
    test.expectEqual(counters[.load], 0, "loads")
    test.expectEqual(counters[.notAvailableTrap], 0, "#NM traps")
  }

  /// A thread that uses the FPU in slice after slice is loaded ahead: few traps for many switches.
  private static func firstUseTraps(_ test: Test) {
    guard KernelFPU.strategy == .lazy else { return test.skip("of the lazy strategy") }
    let programs = PatternPrograms(test)
    let mask = Support.mask(of: Support.lastCPU)
    for _ in 0..<2 { programs.start("/bin/sse", affinity: mask) }
    test.expect(programs.wait { $0.preemptions >= 40 }, "not preempted 40 times: nothing is proven")
    let counters = programs.counters
    programs.end()
    test.expect(counters[.notAvailableTrap] >= 2, "no #NM on first use")
    test.expect(
      counters[.notAvailableTrap] < counters[.load],
      "\(counters[.notAvailableTrap]) traps for \(counters[.load]) loads: nothing was loaded ahead")
    expectLoadsToAddUp(test, counters)
  }

  /// The kernel uses the registers in threads beside the programs and in interrupts that break into them.
  private static func kernelSectionKeepsRegisters(_ test: Test) {
    let before = Activity().fpu
    TimerHook.function = {
      do throws(KernelSIMD.Refusal) { try KernelSIMD.withRegisters { fpuClearXMM() } } catch {}
    }
    let stop = Shared()
    let group = WorkGroup()
    let programs = PatternPrograms(test)
    programs.startAllKindsOnTwoCPUs()
    for cpu in 0..<min(CPUs.count, 2) {
      group.start(affinity: Support.mask(of: cpu)) { _ in combineBlocks(until: stop) }
    }
    let isReached = programs.wait {
      $0.preemptions >= 20 && (Activity().fpu - before)[.kernelSection] >= 100
    }
    TimerHook.function = nil
    stop.value = 1
    group.wait()
    let counters = programs.counters
    programs.end()
    let sections = (Activity().fpu - before)[.kernelSection]
    test.expect(isReached, "not every program was preempted 20 times: nothing is proven")
    test.expect(sections >= 100, "\(sections) kernel sections, 100 expected")
    expectLoadsToAddUp(test, counters)
    test.note("\(sections) kernel sections")
  }

  private static func combineBlocks(until stop: Shared) {
    let size = 4096
    guard let memory = KernelHeap.allocate(size: 2 * size, alignment: 64) else { return }
    let source = UnsafeRawBufferPointer(start: memory, count: size)
    let destination = UnsafeMutableRawBufferPointer(start: memory + size, count: size)
    UnsafeMutableRawBufferPointer(start: memory, count: 2 * size).initializeMemory(as: UInt8.self, repeating: 0xA5)
    while stop.value == 0 {
      XORBlocks.combine(source, into: destination)
      Scheduler.yield()
    }
    KernelHeap.deallocate(memory)
  }

  /// Beside programs that preempt it.
  private static func forkCopiesLiveRegisters(_ test: Test) {
    let mask = Support.mask(of: Support.lastCPU)
    let others = PatternPrograms(test)
    others.start("/bin/mixed", affinity: mask)
    let deadline = Support.deadline(milliseconds: Support.patience)
    var isReached = false
    repeat {
      let ending = PatternPrograms.run(
        test, "/bin/forkexec", "--rounds 12 --spin 30000 --self /bin/forkexec --quiet", affinity: mask)
      test.expect(ending == .exited(code: 0), "parent, child or new program had wrong registers")
      isReached = (others.programs.first?.process.counters.preemptions ?? 0) >= 20
    } while !isReached && !test.hasFailed && readTimeStampCounter() < deadline
    others.end()
    test.expect(isReached, "the other program was not preempted 20 times: nothing is proven")
  }

  private static func threadsShareNoRegisters(_ test: Test) {
    let programs = PatternPrograms(test)
    // Of eight threads on as many CPUs none would be preempted.
    programs.start(
      "/bin/threads", "--threads 8 --rounds 0 --spin 60000 --quiet", affinity: CPUs.count > 1 ? 0b11 : 1)
    let isReached = programs.wait { $0.preemptions >= 8 * 20 }
    let wanted = Support.forcedMigrations
    if CPUs.count > 1 { programs.forceMigrations(wanted) }
    let counters = programs.programs.first?.process.counters
    programs.end()
    test.expect(isReached, "the eight threads were not preempted 160 times: nothing is proven")
    let migrations = counters?.migrations ?? 0
    test.expect(CPUs.count == 1 || migrations >= wanted, "\(migrations) migrations, \(wanted) expected")
  }

  /// Programs end all the time; no CPU's owner may be one whose record is gone.
  private static func exitLeavesNoOwnerBehind(_ test: Test) {
    let threads = Threads.count
    let deadline = Support.deadline(milliseconds: 5000)
    for round in 0..<12 where round < 2 || readTimeStampCounter() < deadline {
      let programs = PatternPrograms(test)
      for _ in 0..<CPUs.count { programs.start("/bin/sse", "--rounds 3 --spin 1000 --quiet") }
      for program in programs.programs {
        let ending = program.process.waitForEnd(until: Support.deadline(milliseconds: Support.patience))
        test.expect(ending == .exited(code: 0), "a program ended in another way")
      }
    }
    Support.settle(downTo: threads)
    for number in 0..<CPUs.count {
      guard let owner = SelfTestAccess.fpuOwner(of: number) else { continue }
      var exists = false
      Threads.forEach { if $0 == owner { exists = true } }
      test.expect(exists, "CPU \(number)'s owner is a thread that is gone")
    }
  }

  /// An image that cannot be restored: SIGSEGV for its thread, nothing for the others of the CPU.
  private static func restoreThatFaultsEndsTheProgram(_ test: Test) {
    guard KernelFPU.configuration.usesXSAVE else {
      return test.skip("emulators let FXRSTOR load anything")
    }
    let mask = Support.mask(of: Support.lastCPU)
    let others = PatternPrograms(test)
    others.start("/bin/mixed", affinity: mask)
    let victim = PatternPrograms(test)
    victim.start("/bin/sse", affinity: mask)
    guard let process = victim.programs.first?.process else { return }
    _ = victim.wait { $0.preemptions >= 2 }
    let group = WorkGroup()
    // On the same CPU and without preemption, the victim is switched out.
    group.start(affinity: mask) { _ in
      Preemption.withDisabled {
        process.forEachThread { thread in
          // A component that XCR0 does not have.
          thread.fpuArea.storeBytes(of: 1 << 62 | 3, toByteOffset: StateArea.xstateBVOffset, as: UInt64.self)
          thread.pointee.fpu.lastCPU = FPUThreadState.noCPU
        }
      }
    }
    group.wait()
    let ending = process.waitForEnd(until: Support.deadline(milliseconds: Support.patience))
    test.expect(ending == .killed(signal: 11), "the program went on, or ended in another way")
    test.expectEqual(process.counters.fpu[.restoreFailed], 1, "restores that faulted")
    let ticks = others.programs.first?.process.counters.runTicks ?? 0
    let goesOn = others.wait {
      $0.runTicks >= ticks + Time.ticks(nanoseconds: 5_000_000)
    }
    test.expect(goesOn, "the other program of the CPU does not go on")
    others.end()
  }

  private static func pendingExceptionFiresInNoOtherThread(_ test: Test) {
    let mask = Support.mask(of: Support.lastCPU)
    let programs = PatternPrograms(test)
    programs.start("/bin/x87pending", affinity: mask)
    programs.start("/bin/x87", affinity: mask)
    programs.start("/bin/mixed", affinity: mask)
    test.expect(programs.wait { $0.preemptions >= 20 }, "not preempted 20 times: nothing is proven")
    let intact = programs.end()
    test.expectEqual(intact, 3, "programs that went on")
  }

  private static func exceptionsAreChargedToTheirThread(_ test: Test) {
    let mask = Support.mask(of: Support.lastCPU)
    let others = PatternPrograms(test)
    others.start("/bin/mixed", affinity: mask)
    let x87 = PatternPrograms.run(test, "/bin/fault", "--kind x87", affinity: mask)
    test.expect(x87 == .killed(signal: 8), "#MF did not end its program with SIGFPE")
    // QEMU's TCG raises no #XM; the program tells that by its status.
    let simd = PatternPrograms.run(test, "/bin/fault", "--kind simd", affinity: mask)
    test.expect(simd == .killed(signal: 8) || simd == .exited(code: 3), "#XM did not end its program with SIGFPE")
    _ = others.wait { $0.preemptions >= 1 }
    others.end()
  }
}
