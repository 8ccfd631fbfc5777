import Core
import Machine

/// The prompt on the console, at which the tour, the tests and the counters can be asked for.
public enum Monitor {
  private static var prompt: StaticString { "needletail> " }

  /// Reads and does commands until the machine is powered off. In a kernel thread.
  ///
  /// - Parameters:
  ///   - status: what the machine ends with if nothing fails from here on.
  ///   - seed: for the tour.
  ///   - runSelfTests: runs the tests whose name contains the text; all without one.
  @inline(never)
  public static func run(
    status: ExitStatus, seed: UInt64, runSelfTests: (_ filter: ByteView?) -> Bool
  ) -> Never {
    var status = status
    var terminal = Terminal()
    printLine("")
    printLine("Type `help` for the commands.")
    while true {
      terminal.readLine(prompt: prompt)
      let outcome = terminal.withLine { (line) -> Outcome in
        switch MonitorCommand(parsing: line) {
        case .tour: Tour.run(report: false, seed: seed) ? Outcome.done : .failed
        case .selfTest(let filter): runSelfTests(filter) ? Outcome.done : .failed
        case .powerOff: .powerOff
        case let command: answer(command)
        }
      }
      switch outcome {
      case .done: break
      case .failed: status = .failed
      case .powerOff: Shutdown.finish(status)
      }
    }
  }

  private enum Outcome { case done, failed, powerOff }

  /// Does a command that nothing can fail in. Apart from `run`, so that what it puts on the stack is gone
  /// when the tour or a test needs the room.
  @inline(never)
  private static func answer(_ command: MonitorCommand) -> Outcome {
    switch command {
    case .nothing, .tour, .selfTest, .powerOff: break
    case .help: printHelp()
    case .counters: MonitorTables.printCounters()
    case .threads: MonitorTables.printThreads()
    case .cpus: MonitorTables.printCPUs()
    case .memory: MonitorTables.printMemory()
    case .strategy(let strategy): change(strategy)
    case .save(let instruction): change(instruction)
    case .run(let path, let arguments): MonitorRun.run(path, arguments)
    case .panic(isConfirmed: true): panic("asked for at the prompt")
    case .panic(isConfirmed: false):
      printLine("`panic yes` ends the machine, to show what a panic reports.")
    case .unknown(let name): Console.print("There is no command `\(name.bytes)`; `help` lists them.")
    case .wrongArgument(_, let usage): Console.print("Usage: \(usage)")
    }
    return .done
  }

  @inline(never)
  private static func printHelp() {
    printLine("  tour               every strategy in turn under load, and a table")
    printLine("  selftest [PART]    the kernel's own tests; those with PART in their name")
    printLine("  counters           what the FPU code has done, for each CPU and each thread")
    printLine("  threads            every thread: where it runs, how often it was switched and moved")
    printLine("  cpus               each CPU, and what it runs")
    printLine("  memory             physical memory and the kernel's heap")
    printLine("  strategy [NAME]    show or change when FPU state is loaded: eager, lazy, deferred")
    printLine("  save [NAME]        show or change the save instruction: xsaves, xsavec, xsaveopt, xsave")
    printLine("  run PATH [ARG...]  run a program, such as `run /bin/sse --rounds 100`; Ctrl-C ends it")
    printLine("  panic              show what the kernel reports when it cannot go on")
    printLine("  poweroff           end the machine")
    printLine("Arrow up brings lines back, Ctrl-U erases the line.")
  }

  /// Prints a text that needs no `Message` on the stack.
  private static func printLine(_ text: StaticString) {
    Console.write(ByteView(text).bytes)
    Console.write(ByteView("\n").bytes)
  }

  private static func change(_ strategy: FPUStrategy?) {
    if let strategy { FPUChange.setStrategy(strategy) }
    Console.print("FPU state is loaded by the strategy \(KernelFPU.strategy.name).")
  }

  private static func change(_ instruction: SaveInstruction?) {
    if let instruction {
      do throws(FPUChange.Refusal) {
        try FPUChange.setInstruction(instruction)
      } catch {
        Console.print("Not changed: \(error.message).")
      }
    }
    Console.print("FPU state is saved by \(KernelFPU.configuration.instruction.name).")
  }
}
