import Core
import Machine

/// The programs of one strategy's turn, from their start to their end.
final class TourLoad {
  struct Entry {
    let program: TourProgram
    let process: Process
  }

  private(set) var entries: [Entry] = []
  /// The threads of the programs, those that forkexec makes left out.
  private(set) var threadCount = 0
  /// Programs that found a register with a wrong value.
  private(set) var mismatches = 0
  /// Programs that could not be started, ended otherwise than they should, or would not end.
  private(set) var failures = 0

  /// Starts the mix; the first fault is named on the console and ends it.
  func start(cpus: Int) {
    let counts = TourProgram.counts(cpus: cpus)
    for program in TourProgram.allCases {
      for _ in 0..<counts[program.rawValue] {
        do throws(ProgramError) {
          let process = try Programs.start(program.path, program.arguments)
          entries.append(Entry(program: program, process: process))
          threadCount += program.threadCount
        } catch {
          Console.print("tour: \(program.path) did not start: \(error.message)")
          failures += 1
          return
        }
      }
    }
  }

  /// Ends every program, waits until no thread of a program is left, and looks at how each ended.
  func end() {
    // One that has ended before was not asked to.
    for entry in entries { entry.process.kill(.kill) }
    let deadline = readTimeStampCounter() &+ Time.ticks(nanoseconds: 20_000_000_000)
    for entry in entries {
      switch entry.process.waitForEnd(until: deadline) {
      case .killed(signal: Signal.kill.rawValue)?: break
      case .exited(code: 1)?:
        Console.print("tour: \(entry.process.label) found a register with a wrong value (see its lines above)")
        mismatches += 1
      case .exited(let code)?:
        Console.print("tour: \(entry.process.label) ended by itself with status \(code)")
        failures += 1
      case .killed(let signal)?:
        Console.print("tour: \(entry.process.label) was ended by signal \(signal)")
        failures += 1
      case nil:
        Console.print("tour: \(entry.process.label) does not end though it was killed")
        failures += 1
      }
    }
    // Children of forkexec outlive it by a moment.
    while userThreadCount > 0 {
      if readTimeStampCounter() > deadline {
        Console.print("tour: \(userThreadCount) threads of programs do not end")
        failures += 1
        return
      }
      Sleep.milliseconds(1)
    }
  }

  /// Threads of programs that are not at their end.
  private var userThreadCount: Int {
    var count = 0
    Threads.forEach { thread in
      if thread.pointee.processIdentifier != 0, thread.pointee.state != .ended { count += 1 }
    }
    return count
  }

  /// The sum of what the programs of some kinds have counted so far.
  func counters(of isIncluded: (TourProgram) -> Bool = { _ in true }) -> Process.Counters {
    var sum = Process.Counters()
    for entry in entries where isIncluded(entry.program) { sum.add(entry.process.counters) }
    return sum
  }
}

extension Process.Counters {
  mutating func add(_ other: Process.Counters) {
    fpu = fpu + other.fpu
    preemptions &+= other.preemptions
    migrations &+= other.migrations
    switches &+= other.switches
    runTicks &+= other.runTicks
  }
}
