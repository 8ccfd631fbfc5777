import Core
import Machine
import System

/// A debugger or a return from a signal handler reads and writes a program's registers.
enum FPUStateAccessTests {
  static var all: [SelfTest] {
    [
      SelfTest("fpu.stateAccess.programFindsExactlyWhatWasWritten", programFindsWhatWasWritten),
      SelfTest("fpu.stateAccess.ofTheRunningThreadTakesItsLiveRegisters", takesLiveRegisters),
      SelfTest("fpu.stateAccess.malformedImageChangesNothing", malformedImageChangesNothing),
      SelfTest("fpu.stateAccess.initialComponentsShowNoStaleBytes", initialComponentsShowNoStaleBytes),
    ]
  }

  /// A program on a CPU of its own, and images of its state.
  private final class Subject {
    let programs: PatternPrograms
    let size = FPUStateAccess.sizeInBytes
    let image: UnsafeMutableRawBufferPointer
    let other: UnsafeMutableRawBufferPointer
    var kind: UserImageKind { .standard(KernelFPU.configuration.userMask) }
    private let mask = Support.mask(of: Support.lastCPU)

    init(_ test: Test) {
      programs = PatternPrograms(test)
      image = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
      other = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
      programs.start("/bin/mixed", affinity: mask)
    }

    deinit {
      image.deallocate()
      other.deallocate()
    }

    var process: Process? { programs.programs.first?.process }

    /// Calls `body` with the program's thread while it is switched out and its registers are still in place.
    /// Nobody but kernel threads has used that CPU since.
    func withStopped(_ body: @escaping (ThreadPointer) -> Void) {
      let group = WorkGroup()
      group.start(affinity: mask) { _ in
        Preemption.withDisabled { self.process?.forEachThread(body) }
      }
      group.wait()
    }

    func waitForPreemptions(_ count: UInt64) -> Bool {
      programs.waitForPreemptions(count) && process?.ending == nil
    }
  }

  private static func expectWritten(
    _ test: Test, _ thread: ThreadPointer, _ image: UnsafeMutableRawBufferPointer, _ kind: UserImageKind
  ) {
    do throws(UserStateError) {
      try FPUStateAccess.write(of: thread, from: UnsafeRawBufferPointer(image), kind: kind)
    } catch {
      test.expect(false, "\(error.message)")
    }
  }

  private static func isSame(
    _ first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer
  ) -> Bool {
    for index in 0..<first.count where first[index] != second[index] { return false }
    return true
  }

  /// Other values in XMM0 to XMM15.
  private static func spoil(_ image: UnsafeMutableRawBufferPointer) {
    for offset in StateArea.xmmRegistersOffset..<StateArea.xmmRegistersEnd { image[offset] = ~image[offset] }
  }

  /// Another state and the old one again: the program goes on. Another state alone: it finds that.
  private static func programFindsWhatWasWritten(_ test: Test) {
    let subject = Subject(test)
    test.expect(subject.waitForPreemptions(0), "the program does not run")
    // Beside the program something else has to want the CPU, or it would never be switched out.
    let stop = Shared()
    let group = WorkGroup()
    group.start(affinity: Support.mask(of: Support.lastCPU)) { _ in while stop.value == 0 { spinHint() } }
    for _ in 0..<20 {
      subject.withStopped { thread in
        FPUStateAccess.read(of: thread, into: subject.image)
        subject.other.copyMemory(from: UnsafeRawBufferPointer(subject.image))
        spoil(subject.other)
        expectWritten(test, thread, subject.other, subject.kind)
        test.expectEqual(thread.pointee.fpu.lastCPU, FPUThreadState.noCPU, "the CPU that holds the registers")
        spoil(subject.other)
        test.expect(isSame(subject.image, subject.other), "spoiling twice is not the same again")
        expectWritten(test, thread, subject.image, subject.kind)
        FPUStateAccess.read(of: thread, into: subject.other)
        test.expect(isSame(subject.image, subject.other), "what was written is not what is read")
      }
      let goesOn = subject.waitForPreemptions(1)
      test.expect(goesOn, "the program lost its registers, which were written back")
      if !goesOn { break }
    }
    test.note("the program is to report its mismatches now")
    // It may be stopped before it loads its pattern: then once more.
    let isFound = Support.sleep {
      subject.withStopped { thread in
        FPUStateAccess.read(of: thread, into: subject.image)
        spoil(subject.image)
        expectWritten(test, thread, subject.image, subject.kind)
      }
      Sleep.milliseconds(10)
      return subject.process?.ending != nil
    }
    stop.value = 1
    group.wait()
    test.expect(isFound, "the program never saw the registers that were written")
    test.expect(subject.process?.ending == .exited(code: 1), "the program ended in another way")
  }

  /// What a timer interrupt that broke into the program does with the program's own registers.
  private final class Interruption {
    let subject: Subject
    let test: Test
    let writes = Shared()
    init(_ subject: Subject, _ test: Test) {
      self.subject = subject
      self.test = test
    }
  }
  nonisolated(unsafe) private static var interruption: Interruption?

  private static func takesLiveRegisters(_ test: Test) {
    let subject = Subject(test)
    test.expect(subject.waitForPreemptions(0), "the program does not run")
    let hook = Interruption(subject, test)
    interruption = hook
    let before = subject.programs.counters
    TimerHook.function = {
      guard let hook = FPUStateAccessTests.interruption else { return }
      let thread = Scheduler.current
      guard Int(cpuNumber()) == Support.lastCPU, thread.pointee.process === hook.subject.process,
        thread.pointee.fpu.isLive
      else { return }
      FPUStateAccess.read(of: thread, into: hook.subject.image)
      FPUStateAccessTests.expectWritten(hook.test, thread, hook.subject.image, hook.subject.kind)
      hook.writes.add(1)
    }
    let isReached = Support.sleep { hook.writes.value >= 50 || subject.process?.ending != nil }
    TimerHook.function = nil
    let counters = subject.programs.counters - before
    subject.programs.end()
    test.expect(isReached, "\(hook.writes.value) writes, 50 expected")
    // Each took the registers from the thread; the load after the last may be still to come.
    test.expect(
      counters[.restore] + 1 >= UInt64(hook.writes.value),
      "\(counters[.restore]) restores after \(hook.writes.value) writes")
  }

  private static func malformedImageChangesNothing(_ test: Test) {
    let subject = Subject(test)
    test.expect(subject.waitForPreemptions(0), "the program does not run")
    let configuration = KernelFPU.configuration
    let area = UnsafeMutableRawBufferPointer.allocate(byteCount: SelfTestAccess.fpuAreaSize, alignment: 64)
    subject.withStopped { thread in
      func expectRefusal(
        _ expected: UserStateError, size: Int, _ change: (UnsafeMutableRawBufferPointer) -> Void
      ) {
        FPUStateAccess.read(of: thread, into: subject.image)
        change(subject.image)
        area.copyMemory(from: UnsafeRawBufferPointer(start: thread.fpuArea, count: area.count))
        let state = thread.pointee.fpu
        var refusal: UserStateError?
        do throws(UserStateError) {
          try FPUStateAccess.write(
            of: thread, from: UnsafeRawBufferPointer(rebasing: subject.image[0..<size]), kind: subject.kind)
        } catch {
          refusal = error
        }
        test.expect(refusal == expected, "not refused with: \(expected.message)")
        let now = UnsafeMutableRawBufferPointer(start: thread.fpuArea, count: area.count)
        test.expect(isSame(area, now), "the area has changed: \(expected.message)")
        test.expectEqual(thread.pointee.fpu.lastCPU, state.lastCPU, "the CPU that holds the registers")
        test.expectEqual(thread.pointee.fpu.protectionKeyRights, state.protectionKeyRights, "PKRU")
      }
      expectRefusal(.tooShort, size: StateArea.legacySizeInBytes - 1) { _ in }
      expectRefusal(.reservedMXCSRBits, size: subject.size) {
        $0.storeBytes(of: ~configuration.mxcsrMask, toByteOffset: StateArea.mxcsrOffset, as: UInt32.self)
      }
      if !configuration.usesXSAVE { return }
      expectRefusal(.tooShort, size: StateArea.extendedRegionOffset - 1) { _ in }
      for bit in [3, 10, 11, 17, 62, 63] where configuration.userMask.rawValue & 1 << UInt64(bit) == 0 {
        expectRefusal(.componentNotPermitted, size: subject.size) {
          $0.storeBytes(of: 1 << UInt64(bit) | 3, toByteOffset: StateArea.xstateBVOffset, as: UInt64.self)
        }
      }
      expectRefusal(.notStandardFormat, size: subject.size) {
        $0.storeBytes(of: 1 << 63, toByteOffset: StateArea.xcompBVOffset, as: UInt64.self)
      }
      for offset in [0, 47] {
        expectRefusal(.reservedHeaderBytes, size: subject.size) {
          $0[StateArea.headerReservedOffset + offset] = 1
        }
      }
      if let range = configuration.userLayout.range(ofComponentNumbered: 2) {
        expectRefusal(.tooShort, size: range.upperBound - 1) {
          $0.storeBytes(of: 7, toByteOffset: StateArea.xstateBVOffset, as: UInt64.self)
        }
      }
    }
    area.deallocate()
    test.expect(subject.waitForPreemptions(0), "the program does not go on")
    test.expectEqual(subject.programs.end(), 1, "programs that kept their registers")
  }

  /// The init optimisation leaves the bytes of an earlier state in the area.
  private static func initialComponentsShowNoStaleBytes(_ test: Test) {
    let configuration = KernelFPU.configuration
    if !configuration.usesXSAVE { return test.skip("FXSAVE's areas have no components in their initial state") }
    let subject = Subject(test)
    test.expect(subject.waitForPreemptions(0), "the program does not run")
    let saved = UnsafeMutableRawBufferPointer.allocate(byteCount: SelfTestAccess.fpuAreaSize, alignment: 64)
    let components = Shared()
    subject.withStopped { thread in
      let area = UnsafeMutableRawBufferPointer(start: thread.fpuArea, count: saved.count)
      saved.copyMemory(from: UnsafeRawBufferPointer(area))
      for number in 0..<32 where configuration.mask.rawValue & 1 << UInt64(number) != 0 {
        let range: Range<Int>
        switch number {
        case 0: range = StateArea.stackRegistersOffset..<StateArea.xmmRegistersOffset
        case 1: range = StateArea.xmmRegistersOffset..<StateArea.xmmRegistersEnd
        default:
          guard let found = configuration.layout.range(ofComponentNumbered: number) else { continue }
          range = found
        }
        for offset in range { area[offset] = 0xA5 }
        let present = configuration.mask.rawValue & ~(1 << UInt64(number))
        area.storeBytes(of: present, toByteOffset: StateArea.xstateBVOffset, as: UInt64.self)
        FPUStateAccess.read(of: thread, into: subject.image)
        let shown = number < 2 ? range : configuration.userLayout.range(ofComponentNumbered: number) ?? 0..<0
        test.expect(!shown.isEmpty, "component \(number) is not shown")
        var stale = 0
        for offset in shown where subject.image[offset] != 0 { stale += 1 }
        test.expectEqual(stale, 0, "bytes of component \(number) that are not its initial ones")
        if number == 0 {
          test.expectEqual(
            subject.image.load(as: UInt16.self), StateArea.initialControlWord, "FCW of an initial x87 state")
        }
        area.copyMemory(from: UnsafeRawBufferPointer(saved))
        components.add(1)
      }
    }
    saved.deallocate()
    test.expect(components.value >= 2, "\(components.value) components, at least x87 and SSE expected")
    test.expectEqual(subject.programs.end(), 1, "programs that kept their registers")
  }
}
