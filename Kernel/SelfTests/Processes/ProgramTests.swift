import Core
import Machine
import System

/// Programs: their system calls, their faults, their memory.
enum ProgramTests {
  static var all: [SelfTest] {
    [
      SelfTest("programs.systemCalls.answerAsOnLinux", systemCallsAnswerAsOnLinux),
      SelfTest("programs.faults.endTheProgramWithTheRightSignal", faultsEndTheProgram),
      SelfTest("programs.memory.isCopiedOnTheFirstWrite", memoryIsCopiedOnTheFirstWrite),
      SelfTest("programs.memory.hogIsEndedAndOthersGoOn", memoryHogIsEndedAndOthersGoOn),
      SelfTest("programs.end.givesMemoryBack", endGivesMemoryBack),
    ]
  }

  /// Starts a program and waits for its end.
  private static func run(
    _ test: Test, _ path: StaticString, _ arguments: StaticString = ""
  ) -> Process.Ending? {
    do throws(ProgramError) {
      let program = try Programs.start(path, arguments)
      let ending = program.waitForEnd(until: Support.deadline(milliseconds: Support.patience))
      if ending == nil {
        test.expect(false, "\(path) \(arguments) does not end")
        program.kill(.kill)
      }
      return ending
    } catch {
      test.expect(false, "\(path): \(error.message)")
      return nil
    }
  }

  /// The program checks values and errno of each call, bad arguments included; it passes on Linux too.
  private static func systemCallsAnswerAsOnLinux(_ test: Test) {
    test.expect(run(test, "/bin/syscalls", "--quiet") == .exited(code: 0), "/bin/syscalls found a difference")
  }

  private static func faultsEndTheProgram(_ test: Test) {
    let illegal: UInt8 = 4
    let floatingPoint: UInt8 = 8
    let segmentation: UInt8 = 11
    let kinds: [(StaticString, UInt8)] = [
      ("--kind divide", floatingPoint), ("--kind null", segmentation), ("--kind kernel-read", segmentation),
      ("--kind kernel-write", segmentation), ("--kind jump-kernel", segmentation),
      ("--kind privileged", segmentation), ("--kind ud2", illegal), ("--kind x87", floatingPoint),
      ("--kind noncanonical-jump", segmentation), ("--kind stack-overflow", segmentation),
      ("--kind write-text", segmentation), ("--kind execute-data", segmentation),
    ]
    for (arguments, signal) in kinds {
      test.expect(
        run(test, "/bin/fault", arguments) == .killed(signal: signal), "\(arguments): not signal \(signal)")
    }
  }

  private static func memoryIsCopiedOnTheFirstWrite(_ test: Test) {
    test.expect(
      run(test, "/bin/cow", "--rounds 3 --quiet") == .exited(code: 0), "parent and child saw each other's writes")
  }

  /// With only the reserve left, a program that wants a page is ended; the kernel and a program that has what
  /// it needs go on.
  private static func memoryHogIsEndedAndOthersGoOn(_ test: Test) {
    do throws(ProgramError) {
      let bystander = try Programs.start("/bin/integer", "--rounds 0 --quiet")
      Sleep.milliseconds(20)
      var taken: [UInt64] = []
      taken.reserveCapacity(Frames.freeCount)
      while let frame = Frames.allocateForUser() { taken.append(frame) }
      var isRefused = false
      do throws(ProgramError) { _ = try Programs.start("/bin/cow") } catch { isRefused = true }
      test.expect(isRefused, "a program started without memory")
      test.expect(bystander.ending == nil, "a program that needed nothing was ended")
      for frame in taken { Frames.free(frame, order: 0) }
      test.expect(run(test, "/bin/cow", "--rounds 1 --quiet") == .exited(code: 0), "no program runs afterwards")
      bystander.kill(.kill)
      _ = bystander.waitForEnd(until: Support.deadline(milliseconds: Support.patience))
    } catch {
      test.expect(false, "/bin/integer: \(error.message)")
    }
  }

  /// Programs that fork, exec, start threads and fault leave nothing behind.
  private static func endGivesMemoryBack(_ test: Test) {
    let threads = Threads.count
    func round() {
      _ = run(test, "/bin/forkexec", "--rounds 5 --quiet")
      _ = run(test, "/bin/threads", "--rounds 5 --threads 4 --quiet")
      _ = run(test, "/bin/cow", "--rounds 1 --quiet")
      _ = run(test, "/bin/fault", "--kind null")
    }
    round()
    Support.settle(downTo: threads)
    let frames = Frames.freeCount
    let bytes = KernelHeap.bytesInUse
    for _ in 0..<4 { round() }
    Support.settle(downTo: threads)
    // A few frames and bytes belong to kernel stacks' places; what a program leaves behind comes four times.
    test.expect(Frames.freeCount + 4 > frames, "\(Frames.freeCount) free frames, \(frames) before")
    test.expect(KernelHeap.bytesInUse < bytes + 512, "\(KernelHeap.bytesInUse) bytes in use, \(bytes) before")
  }
}
