import Core

/// The table of the tour, one row for each strategy.
enum TourTable {
  static func print(_ results: [TourResult], countsInstructions: Bool) {
    Console.print("")
    Console.print(
      countsInstructions
        ? "                                             restores                kernel  instrs/"
        : "                                             restores                kernel   ticks/")
    Console.print("strategy  switches  migrations     saves  restores   skipped      #NM  sections  switch  mismatches")
    Console.print("--------  --------  ----------  --------  --------  --------  -------  --------  ------  ----------")
    for result in results { Console.print(row(result)) }
    Console.print("")
  }

  private static func row(_ result: TourResult) -> Message {
    let fpu = result.fpu
    let left: Message =
      "\(left: result.strategy.name, width: 8)\(result.switches, width: 10)\(result.migrations, width: 12)\(fpu[.save], width: 10)"
    let middle: Message =
      "\(fpu[.restore], width: 10)\(fpu[.restoreSkipped], width: 10)\(fpu[.notAvailableTrap], width: 9)"
    return
      "\(left)\(middle)\(fpu[.kernelSection], width: 10)\(result.cost.withSSE, width: 8)\(result.mismatches, width: 12)"
  }
}

extension Message.StringInterpolation {
  /// A text, left-aligned in `width` columns.
  mutating func appendInterpolation(left text: StaticString, width: Int) {
    let start = count
    appendLiteral(text)
    while count &- start < width, count < Message.capacity { append(32) }
  }

  /// A part of a whole in percent, with one decimal; a dash where there is no whole.
  mutating func appendInterpolation(percent part: UInt64, of whole: UInt64) {
    if whole == 0 {
      appendLiteral("-")
      return
    }
    let permille = (part &* 1000 &+ whole / 2) / whole
    appendInterpolation(permille / 10)
    appendLiteral(".")
    appendInterpolation(permille % 10)
    appendLiteral(" %")
  }
}
