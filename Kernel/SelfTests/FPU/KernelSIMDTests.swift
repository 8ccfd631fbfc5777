import Core
import Machine
import System

/// Kernel SIMD sections.
enum KernelSIMDTests {
  static var all: [SelfTest] {
    [
      SelfTest("fpu.kernelSection.savesNothingWhenNothingIsLive", savesNothingWhenNothingIsLive),
      SelfTest("fpu.kernelSection.startsWithCleanControlWords", startsWithCleanControlWords),
      SelfTest("fpu.kernelSection.leavesNothingReadable", leavesNothingReadable),
      SelfTest("fpu.restore.keepsMXCSRWhereXMMIsInitial", keepsMXCSRWhereXMMIsInitial),
      SelfTest("fpu.restore.leavesNoExceptionPointersOfAnother", leavesNoExceptionPointers),
      SelfTest("fpu.kernelSection.isRefusedInsideAnother", isRefusedInsideAnother),
      SelfTest("fpu.kernelSection.isRefusedInInterruptThatBrokeIntoOne", isRefusedInInterruptThatBrokeIn),
      SelfTest("fpu.kernelSection.worksInInterruptOutsideOne", worksInInterruptOutsideOne),
      SelfTest("fpu.kernelSection.isRefusedBeforeFPUIsSetUp", isRefusedBeforeFPUIsSetUp),
      SelfTest("fpu.kernelSection.keepsPreemptionOffAndInterruptsOn", keepsPreemptionOff),
      SelfTest("fpu.xorBlocks.agreesWithIntegersUnderPreemption", xorAgreesWithIntegers),
    ]
  }

  /// Opens a section, and makes a refusal a failure of the test.
  private static func inSection(_ test: Test, _ body: () -> Void) {
    do throws(KernelSIMD.Refusal) {
      try KernelSIMD.withRegisters(body)
    } catch {
      test.expect(false, "\(error.message)")
    }
  }

  private static func savesNothingWhenNothingIsLive(_ test: Test) {
    Preemption.withDisabled {
      let before = CPURecord.current.pointee.fpuCounters
      for _ in 0..<10 { inSection(test) {} }
      let counters = CPURecord.current.pointee.fpuCounters - before
      test.expectEqual(counters[.kernelSection], 10, "sections")
      test.expectEqual(counters[.save], 0, "saves in a kernel thread")
      test.expectEqual(counters[.restore], 0, "restores of threads")
    }
  }

  private static func startsWithCleanControlWords(_ test: Test) {
    for _ in 0..<2 {
      inSection(test) {
        test.expectEqual(fpuReadMXCSR(), StateArea.initialMXCSR, "MXCSR")
        test.expectEqual(fpuReadControlWord(), StateArea.initialControlWord, "FCW")
        test.expectEqual(fpuReadStatusWord(), 0, "FSW")
        // For the next one to find, if anything stays: everything masked still, other rounding, flags set.
        fpuLoadMXCSR(0x7FBF)
        fpuLoadControlWord(0x0F7F)
      }
    }
  }

  /// MXCSR alone is no component: in the compacted format it goes with SSE, whose XMM registers may be initial all the
  /// same (Intel SDM volume 1, sections 13.8.2 and 13.10).
  private static func keepsMXCSRWhereXMMIsInitial(_ test: Test) {
    guard let area = KernelHeap.allocate(size: SelfTestAccess.fpuAreaSize, alignment: 64) else {
      return test.expect(false, "not enough memory")
    }
    defer { KernelHeap.deallocate(area) }
    inSection(test) {
      // Rounding in all directions, and flags.
      for value: UInt32 in [0x3F80, 0x5F80, 0x7F80, 0x1FBF, StateArea.initialMXCSR] {
        Interrupts.withDisabled {
          fpuClearXMM()
          fpuLoadMXCSR(value)
          let found = SelfTestAccess.roundTripRegisters(through: area)
          test.expectEqual(found.initial, StateArea.initialMXCSR, "MXCSR of the initial state")
          test.expectEqual(found.restored, value, "MXCSR after its restore")
        }
      }
    }
  }

  /// Fills all registers with a pattern inside a section and looks for it in all of them afterwards.
  private static func leavesNothingReadable(_ test: Test) {
    let size = SelfTestAccess.fpuAreaSize
    guard let area = KernelHeap.allocate(size: size, alignment: 64) else {
      return test.expect(false, "not enough memory")
    }
    defer { KernelHeap.deallocate(area) }
    area.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    // The x87 registers hold it shifted left by one: its top bit is the sign's, the next one the leading 1.
    let pattern: UInt64 = test.random.next() >> 2 | 1 << 62
    withPattern(pattern) { words in
      Preemption.withDisabled {
        inSection(test) {
          fpuFillLegacyRegisters(words)
          if XORBlocks.widest == .avx { fpuFillYMMRegisters(words) }
          SelfTestAccess.saveRegisters(to: area)
        }
        let expected = 32 + 8 + (XORBlocks.widest == .avx ? 32 : 0)
        test.expectEqual(occurrences(of: pattern, in: area, size), expected, "words with the pattern inside")
        Interrupts.withDisabled { SelfTestAccess.saveRegisters(to: area) }
        test.expectEqual(occurrences(of: pattern, in: area, size), 0, "words with the pattern afterwards")
      }
    }
  }

  /// AMD CPUs before family 17h restore FIP, FDP and FOP with an exception pending only (CVE-2006-1056): the
  /// next one finds the scrub's pointers there. QEMU's FXRSTOR never restores them, which shows it as well.
  private static func leavesNoExceptionPointers(_ test: Test) {
    guard KernelFPU.configuration.scrubExceptionPointers else {
      return test.skip("this CPU restores the exception pointers with everything else")
    }
    withPattern(test.random.next()) { words in
      let address = UInt32(truncatingIfNeeded: UInt(bitPattern: words))
      var left: UInt32 = 0
      var found: UInt32 = 0
      // What the first section leaves behind, the second one sees.
      Preemption.withDisabled {
        inSection(test) {
          fpuFillLegacyRegisters(words)
          left = fpuReadDataPointer()
        }
        inSection(test) { found = fpuReadDataPointer() }
      }
      if left != address { return test.skip("this CPU does not show FDP") }
      test.expect(found != address, "FDP \(hex: UInt64(found)) of the section before is there")
    }
  }

  private static func withPattern(_ pattern: UInt64, _ body: (UnsafePointer<UInt64>) -> Void) {
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
    words[0] = pattern
    words[1] = pattern
    body(words)
    words.deallocate()
  }

  private static func occurrences(of pattern: UInt64, in area: UnsafeRawPointer, _ size: Int) -> Int {
    var count = 0
    for offset in stride(from: 0, to: size, by: 8) {
      let word = area.load(fromByteOffset: offset, as: UInt64.self)
      if word == pattern || word == pattern << 1 { count += 1 }
    }
    return count
  }

  private static func isRefusedInsideAnother(_ test: Test) {
    withPattern(test.random.next()) { words in
      inSection(test) {
        fpuFillLegacyRegisters(words)
        var refusal: KernelSIMD.Refusal?
        do throws(KernelSIMD.Refusal) {
          try KernelSIMD.withRegisters { test.expect(false, "a nested section was opened") }
        } catch {
          refusal = error
        }
        test.expect(refusal == .nested, "the refusal names something else")
        test.expectEqual(fpuCompareXMMRegisters(words), 0, "registers of the outer section that changed")
      }
    }
    inSection(test) {}
  }

  /// What became of the sections that timer interrupts asked for, on all CPUs.
  private final class Outcomes {
    let opened = Shared()
    let brokeIn = Shared()
    let refusedOtherwise = Shared()
  }

  /// The counts of the test that runs. Stays until the next one: an interrupt may have just read it.
  nonisolated(unsafe) private static var outcomes: Outcomes?

  /// Tries to open a section in a timer interrupt, and fills its registers.
  private static func setTimerHook() -> Outcomes {
    let fresh = Outcomes()
    outcomes = fresh
    TimerHook.function = {
      guard let outcomes = KernelSIMDTests.outcomes else { return }
      do throws(KernelSIMD.Refusal) {
        try KernelSIMD.withRegisters {
          fpuClearXMM()
          outcomes.opened.add(1)
        }
      } catch {
        if error == .brokeIntoSection {
          outcomes.brokeIn.add(1)
        } else {
          outcomes.refusedOtherwise.add(1)
        }
      }
    }
    return fresh
  }

  private static func isRefusedInInterruptThatBrokeIn(_ test: Test) {
    let outcomes = setTimerHook()
    withPattern(test.random.next()) { words in
      inSection(test) {
        fpuFillLegacyRegisters(words)
        let isHit = Support.spin { outcomes.brokeIn.value >= 3 }
        test.expect(isHit, "no interrupt broke into the section: nothing is proven")
        test.expectEqual(fpuCompareXMMRegisters(words), 0, "registers of the section that changed")
      }
    }
    TimerHook.function = nil
    test.expectEqual(outcomes.refusedOtherwise.value, 0, "refusals that name something else")
  }

  private static func worksInInterruptOutsideOne(_ test: Test) {
    let outcomes = setTimerHook()
    let isHit = Support.spin { outcomes.opened.value >= 20 }
    TimerHook.function = nil
    test.expect(isHit, "\(outcomes.opened.value) sections in interrupts, 20 expected")
    test.expectEqual(outcomes.brokeIn.value, 0, "refusals without a section to break into")
    test.expectEqual(outcomes.refusedOtherwise.value, 0, "other refusals")
  }

  private static func isRefusedBeforeFPUIsSetUp(_ test: Test) {
    Interrupts.withDisabled {
      let before = CPURecord.current.pointee.fpuCounters
      var refusal: KernelSIMD.Refusal?
      cpuSetFPUReady(0)
      do throws(KernelSIMD.Refusal) {
        try KernelSIMD.withRegisters { test.expect(false, "a section was opened") }
      } catch {
        refusal = error
      }
      cpuSetFPUReady(1)
      test.expect(refusal == .notSetUp, "the refusal names something else, or there was none")
      let counters = CPURecord.current.pointee.fpuCounters - before
      test.expectEqual(counters[.kernelSection], 0, "sections")
    }
    test.expectEqual(cpuPreemptionDisabled(), 0, "preemption left off")
    inSection(test) {}
  }

  private static func keepsPreemptionOff(_ test: Test) {
    let stop = Shared()
    let group = WorkGroup()
    group.start(affinity: Support.mask(of: Support.lastCPU)) { worker in
      guard let thread = worker.thread else { return }
      let preemptions = thread.pointee.preemptions
      inSection(test) {
        let switches = thread.pointee.switches
        let isDue = Support.spin { cpuNeedsReschedule() != 0 }
        test.expect(isDue, "nobody wanted this CPU: nothing is proven")
        test.expect(Interrupts.areEnabled, "interrupts are disabled inside")
        test.expectEqual(thread.pointee.switches, switches, "switches inside the section")
      }
      test.expect(thread.pointee.preemptions > preemptions, "what came meanwhile was not made up for")
      Interrupts.withDisabled {
        inSection(test) { test.expect(!Interrupts.areEnabled, "interrupts were enabled by the section") }
        test.expect(!Interrupts.areEnabled, "interrupts were enabled by the section's end")
      }
      stop.value = 1
    }
    group.start(affinity: Support.mask(of: Support.lastCPU)) { _ in
      while stop.value == 0 { spinHint() }
    }
    group.wait()
  }

  /// Threads on all CPUs combine blocks of random sizes and places, while interrupts use the registers too.
  private static func xorAgreesWithIntegers(_ test: Test) {
    let outcomes = setTimerHook()
    let stop = Shared()
    let group = WorkGroup()
    for _ in 0..<CPUs.count * 2 {
      let seed = test.random.next()
      group.start { worker in combineBlocks(test, RandomNumbers(seed: seed), until: stop) }
    }
    _ = Support.sleep {
      let preemptions = group.workers.reduce(0) { $0 + ($1.thread?.pointee.preemptions ?? 0) }
      return preemptions >= 20 && outcomes.opened.value >= 20
    }
    stop.value = 1
    group.wait()
    TimerHook.function = nil
    let preemptions = group.workers.reduce(0) { $0 + $1.preemptions }
    let sections = outcomes.opened.value
    test.expect(preemptions >= 20, "\(preemptions) preemptions, 20 expected")
    test.expect(sections >= 20, "\(sections) interrupts used the registers in between, 20 expected")
    test.note(
      "\(preemptions) preemptions, \(sections) sections in interrupts, \(outcomes.brokeIn.value) refused there"
    )
  }

  private static func combineBlocks(_ test: Test, _ numbers: RandomNumbers, until stop: Shared) {
    var random = numbers
    let size = 12_288
    guard let memory = KernelHeap.allocate(size: 3 * size, alignment: 4096) else {
      return test.expect(false, "not enough memory")
    }
    var round = 0
    repeat {
      for offset in stride(from: 0, to: 2 * size, by: 8) {
        memory.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
      }
      let count = random.next(below: round & 1 == 0 ? 300 : size - 64)
      let from = memory + random.next(below: 64)
      let to = memory + size + random.next(below: 64)
      // The whole destination with what lies around it, combined byte by byte.
      let reference = memory + 2 * size
      reference.copyMemory(from: memory + size, byteCount: size)
      let first = to - (memory + size)
      for index in 0..<count {
        let byte =
          reference.load(fromByteOffset: first + index, as: UInt8.self)
          ^ from.load(fromByteOffset: index, as: UInt8.self)
        reference.storeBytes(of: byte, toByteOffset: first + index, as: UInt8.self)
      }
      let means = XORBlocks.combine(
        UnsafeRawBufferPointer(start: from, count: count),
        into: UnsafeMutableRawBufferPointer(start: to, count: count))
      if count >= 64 { test.expect(means == XORBlocks.widest, "SIMD was not used") }
      var differences = 0
      for offset in stride(from: 0, to: size, by: 8) {
        let found = (memory + size).load(fromByteOffset: offset, as: UInt64.self)
        if found != reference.load(fromByteOffset: offset, as: UInt64.self) { differences += 1 }
      }
      test.expectEqual(differences, 0, "round \(round): wrong words after \(count) bytes")
      round += 1
    } while stop.value == 0
    KernelHeap.deallocate(memory)
  }
}
