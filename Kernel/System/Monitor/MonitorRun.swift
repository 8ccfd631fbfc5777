import Core
import Machine

/// Runs one program from the prompt.
enum MonitorRun {
  private static var controlC: UInt8 { 3 }

  /// Starts a program and waits for its end. What is typed is for the program; Ctrl-C kills it, unless a
  /// session of its own has the terminal and sees to that.
  static func run(_ path: ByteView, _ arguments: ByteView) {
    do throws(ProgramError) {
      let process = try Programs.start(path, arguments: arguments)
      report(wait(process), process)
    } catch {
      Console.print("`\(path.bytes)` did not start: \(error.message)")
    }
  }

  private static func wait(_ process: Process) -> Process.Ending {
    while true {
      let soon = readTimeStampCounter() &+ Time.ticks(nanoseconds: 20_000_000)
      if let ending = process.waitForEnd(until: soon) { return ending }
      while let byte = ConsoleInput.readIfAny() {
        if byte == controlC, !Terminals.serial!.hasSession {
          process.kill(.kill)
        } else {
          withUnsafeBytes(of: byte) { _ = Terminals.serial!.receive($0) }
        }
      }
    }
  }

  private static func report(_ ending: Process.Ending, _ process: Process) {
    let counters = process.counters
    switch ending {
    case .exited(let code): Console.print("ended with status \(code)")
    case .killed(let signal): Console.print("ended by signal \(signal)")
    }
    Console.print(
      "  switches \(counters.switches), preemptions \(counters.preemptions), migrations \(counters.migrations), CPU time \(Time.nanoseconds(ticks: counters.runTicks) / 1_000_000) ms"
    )
    let fpu = counters.fpu
    Console.print(
      "  FPU: saves \(fpu[.save]), restores \(fpu[.restore]), skipped \(fpu[.restoreSkipped]), #NM \(fpu[.notAvailableTrap])"
    )
  }
}
