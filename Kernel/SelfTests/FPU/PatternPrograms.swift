import Core
import Machine
import System

/// Programs that keep a pattern in their registers, without end, and end only where it was not kept.
///
/// A register that another thread's use has changed makes a program end by itself: so a set of them that
/// still runs when the test is over has computed on its own registers all along.
final class PatternPrograms {
  struct Program {
    let path: StaticString
    let process: Process
    var isUnsupported = false
  }

  private let test: Test
  private(set) var programs: [Program] = []

  init(_ test: Test) { self.test = test }

  /// Long enough that most preemptions come between loading the registers and checking them.
  private static var endless: StaticString { "--rounds 0 --spin 60000 --quiet" }
  private static var allKinds: [StaticString] {
    ["/bin/x87", "/bin/sse", "/bin/avx", "/bin/mixed", "/bin/integer", "/bin/avx512", "/bin/pkru"]
  }

  func start(_ path: StaticString, _ arguments: StaticString? = nil, affinity: UInt64 = .max) {
    do throws(ProgramError) {
      let process = try Programs.start(path, arguments ?? Self.endless, affinity: affinity)
      programs.append(Program(path: path, process: process))
    } catch {
      test.expect(false, "\(path): \(error.message)")
    }
  }

  /// One of each kind on a CPU, or spread over all.
  func startAllKinds(affinity: UInt64 = .max) {
    for path in Self.allKinds { start(path, affinity: affinity) }
  }

  /// One of each kind on each of the first two CPUs: as many as take turns soon, however many CPUs there are.
  func startAllKindsOnTwoCPUs() {
    for cpu in 0..<min(CPUs.count, 2) { startAllKinds(affinity: Support.mask(of: cpu)) }
  }

  /// Waits until a condition holds for each program that this CPU can run.
  ///
  /// - Returns: whether it held before a program ended or the time was over.
  func wait(until condition: (Process.Counters) -> Bool) -> Bool {
    wait { _, counters in condition(counters) }
  }

  /// As above, with the program's place in `programs`.
  private func wait(until condition: (Int, Process.Counters) -> Bool) -> Bool {
    let isReached = Support.sleep {
      noteEnds()
      for (number, program) in programs.enumerated() where !program.isUnsupported {
        if Self.hasStopped(program.process) { return true }
        if !condition(number, program.process.counters) { return false }
      }
      return true
    }
    noteEnds()
    return isReached
  }

  /// Whether a program has ended that should go on: not one that has just found this CPU lacking.
  private static func hasStopped(_ process: Process) -> Bool {
    guard let ending = process.ending else { return false }
    return ending != .exited(code: 3)
  }

  /// Those that ended because the CPU lacks what they are about.
  private func noteEnds() {
    for index in programs.indices where programs[index].process.ending == .exited(code: 3) {
      programs[index].isUnsupported = true
    }
  }

  /// Moves every program from CPU to CPU, until each was moved this often and preempted 20 times.
  func forceMigrations(_ count: Int) {
    let deadline = Support.deadline(milliseconds: Support.patience)
    var round = 0
    while readTimeStampCounter() < deadline {
      noteEnds()
      var isDone = true
      for (index, program) in programs.enumerated() where !program.isUnsupported {
        let counters = program.process.counters
        if counters.migrations < UInt64(count) || counters.preemptions < 20 { isDone = false }
        if Self.hasStopped(program.process) { return }
        program.process.forEachThread {
          Scheduler.setAffinity(of: $0, Support.mask(of: (round + index) % CPUs.count))
        }
      }
      if isDone { return }
      round += 1
      // Each is to run a little where it is.
      let pause = readTimeStampCounter() &+ Time.ticks(nanoseconds: 300_000)
      while readTimeStampCounter() < pause { Scheduler.yield() }
    }
  }

  /// Waits until each program that this CPU can run has been preempted this many times from now on.
  ///
  /// - Returns: as `wait(until:)`.
  func waitForPreemptions(_ count: UInt64) -> Bool {
    let before = programs.map { $0.process.counters.preemptions }
    return wait { number, counters in counters.preemptions >= before[number] + count }
  }

  /// The sum of what all of them have counted.
  var counters: FPUCounters {
    programs.reduce(FPUCounters()) { $0 + $1.process.counters.fpu }
  }

  /// Ends all, and expects that until now none has ended by itself.
  ///
  /// - Returns: how many kept their registers.
  @discardableResult
  func end() -> Int {
    noteSwitches()
    var intact = 0
    for program in programs {
      if let ending = program.process.ending {
        if case .exited(let code) = ending {
          test.expect(code == 3, "\(program.path) ended with status \(code)")
        } else if case .killed(let signal) = ending {
          test.expect(false, "\(program.path) was ended by signal \(signal)")
        }
        continue
      }
      intact += 1
      program.process.kill(.kill)
      let deadline = Support.deadline(milliseconds: Support.patience)
      test.expect(program.process.waitForEnd(until: deadline) != nil, "\(program.path) does not end")
    }
    programs = []
    return intact
  }

  /// Says what the programs went through: a test without preemptions and migrations proves nothing.
  private func noteSwitches() {
    var preemptions = UInt64.max
    var migrations = UInt64.max
    var count = 0
    for program in programs where !program.isUnsupported {
      let counters = program.process.counters
      preemptions = min(preemptions, counters.preemptions)
      migrations = min(migrations, counters.migrations)
      count += 1
    }
    if count == 0 { return }
    let fpu = counters
    let saving = KernelFPU.configuration.instruction.name
    test.note("\(KernelFPU.strategy.name), \(saving): \(count) programs, each with at least")
    test.note("  \(preemptions) preemptions and \(migrations) migrations; in all \(fpu[.save]) saves,")
    test.note("  \(fpu[.restore]) restores, \(fpu[.restoreSkipped]) skipped, \(fpu[.notAvailableTrap]) #NM")
  }

  /// Runs a program that ends by itself.
  static func run(
    _ test: Test, _ path: StaticString, _ arguments: StaticString, affinity: UInt64 = .max
  ) -> Process.Ending? {
    do throws(ProgramError) {
      let process = try Programs.start(path, arguments, affinity: affinity)
      let ending = process.waitForEnd(until: Support.deadline(milliseconds: Support.patience))
      if ending == nil {
        test.expect(false, "\(path) \(arguments) does not end")
        process.kill(.kill)
      }
      return ending
    } catch {
      test.expect(false, "\(path): \(error.message)")
      return nil
    }
  }
}
