import Core
import Machine

/// The tour's numbers as JSON: an array with an object for each strategy.
enum TourReport {
  static func write(_ results: [TourResult], countsInstructions: Bool) {
    var writer = JSONWriter(ReportPort())
    writer.beginArray()
    for result in results {
      writer.beginElement()
      writer.beginObject()
      writer.key("strategy")
      writer.string("\(result.strategy.name)")
      writer.key("save")
      writer.string("\(KernelFPU.configuration.instruction.name)")
      number("cpus", UInt64(result.cpus), &writer)
      number("threads", UInt64(result.threads), &writer)
      number("switches", result.switches, &writer)
      number("migrations", result.migrations, &writer)
      number("saves", result.fpu[.save], &writer)
      number("loads", result.fpu[.load], &writer)
      number("restores", result.fpu[.restore], &writer)
      number("restoresSkipped", result.fpu[.restoreSkipped], &writer)
      number("restoresFailed", result.fpu[.restoreFailed], &writer)
      number("notAvailableTraps", result.fpu[.notAvailableTrap], &writer)
      number("initialStateLoads", result.fpu[.initialStateLoad], &writer)
      number("kernelSections", result.fpu[.kernelSection], &writer)
      number("ticksPerSwitch", result.cost.withSSE, &writer)
      number("ticksPerSwitchWithoutFPU", result.cost.withoutFPU, &writer)
      writer.key("tickUnit")
      writer.string(countsInstructions ? "instructions" : "ticks")
      number("mismatches", UInt64(result.mismatches), &writer)
      writer.endObject()
    }
    writer.endArray()
  }

  private static func number(_ key: StaticString, _ value: UInt64, _ writer: inout JSONWriter<ReportPort>) {
    writer.key("\(key)")
    writer.number("\(value)")
  }
}
