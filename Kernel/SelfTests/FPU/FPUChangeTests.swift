import Core
import Machine
import System

/// Changes of the strategy while everything runs.
enum FPUChangeTests {
  static var all: [SelfTest] {
    [
      SelfTest("fpu.change.strategyWhileKernelUsesSIMD", changesStrategyWhileKernelUsesSIMD),
      SelfTest("fpu.change.strategyWhileProgramsRun", changesStrategyWhileProgramsRun),
      SelfTest("fpu.change.saveInstructionWhileProgramsRun", changesInstructionWhileProgramsRun),
    ]
  }

  private static func changesStrategyWhileKernelUsesSIMD(_ test: Test) {
    let booted = KernelFPU.strategy
    let stop = Shared()
    let group = WorkGroup()
    for index in 0..<CPUs.count * 2 {
      group.start { _ in useRegisters(test, UInt64(index + 1), until: stop) }
    }
    // Every CPU has to answer to each of them.
    let deadline = Support.deadline(milliseconds: 5000)
    var changes = 0
    while !isEnough(changes, of: 100, deadline) {
      let strategy = strategy(changes)
      FPUChange.setStrategy(strategy)
      test.expect(KernelFPU.strategy == strategy, "change \(changes) was not made")
      if changes % 8 == 0 { Sleep.milliseconds(1) }
      changes += 1
    }
    test.note("\(changes) changes")
    stop.value = 1
    group.wait()
    FPUChange.setStrategy(booted)
  }

  /// As many changes as wanted, or in a machine that makes them slowly a fifth of them.
  private static func isEnough(_ changes: Int, of wanted: Int, _ deadline: UInt64) -> Bool {
    changes >= wanted || changes >= wanted / 5 && readTimeStampCounter() >= deadline
  }

  /// Leaves programs twice the time that the changes take, in which no CPU can do anything else.
  private struct Pace {
    private var nextTime: UInt64 = 0

    mutating func next(_ change: () -> Void) {
      let start = readTimeStampCounter()
      if start < nextTime { return }
      change()
      let end = readTimeStampCounter()
      nextTime = end &+ 2 * (end &- start)
    }
  }

  private static func strategy(_ round: Int) -> FPUStrategy {
    round % 3 == 0 ? .eager : round % 3 == 1 ? .lazy : .deferred
  }

  private static func changesStrategyWhileProgramsRun(_ test: Test) {
    let booted = KernelFPU.strategy
    let programs = PatternPrograms(test)
    for _ in 0..<2 { programs.startAllKinds(affinity: Support.fewCPUs) }
    var changes = 0
    var pace = Pace()
    let deadline = Support.deadline(milliseconds: 4000)
    let isReached = programs.wait {
      pace.next {
        FPUChange.setStrategy(strategy(changes))
        changes += 1
      }
      return isEnough(changes, of: 60, deadline) && $0.preemptions >= 20
    }
    FPUChange.setStrategy(booted)
    let counters = programs.counters
    programs.end()
    test.expect(isReached, "\(changes) changes, and not every program was preempted 20 times")
    FPUContractTests.expectLoadsToAddUp(test, counters)
    test.note("\(changes) changes")
  }

  /// Each instruction of the XSAVE family that the CPU has.
  private static func changesInstructionWhileProgramsRun(_ test: Test) {
    let booted = KernelFPU.configuration.instruction
    if booted == .fxsave { return test.skip("FXSAVE cannot be exchanged while programs run") }
    let programs = PatternPrograms(test)
    for _ in 0..<2 { programs.startAllKinds(affinity: Support.fewCPUs) }
    var changes = 0
    var refusals = 0
    var pace = Pace()
    let deadline = Support.deadline(milliseconds: 4000)
    let isReached = programs.wait {
      let instructions: InlineArray<4, SaveInstruction> = [.xsave, .xsaveopt, .xsavec, .xsaves]
      pace.next {
        do throws(FPUChange.Refusal) {
          try FPUChange.setInstruction(instructions[(changes + refusals) % 4])
          changes += 1
        } catch {
          refusals += 1
        }
      }
      return isEnough(changes, of: 24, deadline) && $0.preemptions >= 20
    }
    do throws(FPUChange.Refusal) {
      try FPUChange.setInstruction(booted)
    } catch {
      test.expect(false, "\(error.message)")
    }
    let counters = programs.counters
    programs.end()
    test.expect(isReached, "\(changes) changes, and not every program was preempted 20 times")
    FPUContractTests.expectLoadsToAddUp(test, counters)
    test.note("\(changes) changes, \(refusals) instructions that the CPU lacks")
  }

  /// Keeps a pattern in the registers for a while, again and again, section by section.
  private static func useRegisters(_ test: Test, _ seed: UInt64, until stop: Shared) {
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
    var random = RandomNumbers(seed: seed)
    var sections = 0
    while stop.value == 0 {
      words[0] = random.next()
      words[1] = random.next()
      do throws(KernelSIMD.Refusal) {
        try KernelSIMD.withRegisters {
          fpuFillLegacyRegisters(words)
          for _ in 0..<200 { spinHint() }
          test.expectEqual(fpuCompareXMMRegisters(words), 0, "registers that changed inside a section")
        }
      } catch {
        test.expect(false, "\(error.message)")
      }
      sections += 1
    }
    words.deallocate()
    test.expect(sections > 0, "a thread used no section")
  }
}
