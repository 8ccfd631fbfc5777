import Core
import Machine

/// Measures what the kernel's services cost: `run=bench` on the boot line.
///
/// The figures are instructions where the time-stamp counter counts one for each (QEMU with one CPU and
/// `-icount shift=0`); elsewhere they are ticks, and disturbed. `README.md` says how each is measured.
public enum Bench {
  /// In a kernel thread, as the first thing after the start: the time of the first program counts.
  ///
  /// - Returns: false where something that is measured failed.
  public static func run() -> Bool {
    guard var figures = BenchFigures() else {
      log("bench: not enough memory")
      return false
    }
    defer { figures.deallocate() }
    let strategy = KernelFPU.strategy
    var isComplete = BenchProgram.run("--only start", into: &figures)
    isComplete = BenchProgram.run("", into: &figures) && isComplete
    isComplete = BenchFPU.run(into: &figures) && isComplete
    isComplete = runStrategies(into: &figures) && isComplete
    FPUChange.setStrategy(strategy)
    isComplete = BenchThreads.run(into: &figures) && isComplete
    let unit: StaticString = countsInstructions(figures) ? "instructions" : "ticks"
    printTable(figures, unit: unit)
    writeReport(figures)
    return isComplete
  }

  /// The switches again under the strategies that are not the default.
  private static func runStrategies(into figures: inout BenchFigures) -> Bool {
    FPUChange.setStrategy(.eager)
    let isEagerComplete = BenchProgram.run("--only switches", prefix: "eager.", into: &figures)
    FPUChange.setStrategy(.lazy)
    let isLazyComplete = BenchProgram.run("--only switches", prefix: "lazy.", into: &figures)
    return BenchProgram.run("--only first-use", prefix: "lazy.", into: &figures) && isEagerComplete
      && isLazyComplete
  }

  /// Whether a tick is an instruction: a loop of two instructions takes two ticks a turn, exactly.
  private static func countsInstructions(_ figures: BenchFigures) -> Bool {
    let isOneGigahertz = Time.frequency / 1_000_000 >= 999 && Time.frequency / 1_000_000 <= 1000
    return isOneGigahertz && CPUs.count == 1 && figures.value(of: "emptyLoopTurn") == 2
  }

  // MARK: The report

  private static func printTable(_ figures: BenchFigures, unit: StaticString) {
    let configuration = KernelFPU.configuration
    Console.print("")
    Console.print(
      "Cost in \(unit), \(configuration.instruction.name), \(KernelFPU.strategy.name) load unless said")
    forEachRow(of: figures) { name, value in Console.print("  \(name, width: 36)\(padded(value, to: 12))") }
    if unit.utf8CodeUnitCount == 5 {
      Console.print("Not instructions: the time-stamp counter counts otherwise here. Use make bench.")
    }
  }

  private static func writeReport(_ figures: BenchFigures) {
    var report = JSONWriter(ReportPort())
    report.beginObject()
    forEachRow(of: figures) { name, value in
      report.key(name)
      report.number(value)
    }
    report.endObject()
  }

  /// The figures as they are reported: the time of the first user instruction since the kernel's first one.
  private static func forEachRow(
    of figures: BenchFigures, _ body: (_ name: Message, _ value: Message) -> Void
  ) {
    figures.forEach { figure in
      if figure.name.equals("firstUserInstruction") {
        let ticks = figure.value &- Time.atFirstInstruction
        body("bootInstructions", "\(ticks)")
        body("bootMilliseconds", milliseconds(ticks))
      } else {
        body(figure.name, "\(figure.value)")
      }
    }
  }

  private static func padded(_ text: Message, to width: Int) -> Message {
    var padding: Message = ""
    for _ in 0..<max(width - text.count, 0) { padding = "\(padding) " }
    return "\(padding)\(text)"
  }

  /// With three digits behind the point.
  private static func milliseconds(_ ticks: UInt64) -> Message {
    let microseconds = Time.nanoseconds(ticks: ticks) / 1000
    var digits: Message = "\(microseconds / 1000)."
    let fraction = microseconds % 1000
    if fraction < 100 { digits = "\(digits)0" }
    if fraction < 10 { digits = "\(digits)0" }
    return "\(digits)\(fraction)"
  }
}
