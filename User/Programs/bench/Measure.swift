import Assembly
import Runtime

/// How often to repeat what is measured.
struct Effort {
  /// Operations between two looks at the time: few enough that most runs see no timer interrupt.
  var count: UInt64 = 100
  /// Runs, of which the shortest counts.
  var repetitions: UInt64 = 10

  /// The same with fewer operations, for those that take long.
  func divided(by divisor: UInt64) -> Effort {
    Effort(count: max(count / divisor, 1), repetitions: repetitions)
  }

  /// Times `body`, which does `operations` operations, and prints the ticks for each in the shortest run.
  func measure(_ name: StaticString, operations: UInt64, _ body: () -> Void) {
    var shortest = UInt64.max
    for _ in 0..<repetitions {
      let start = readTimeStampCounter()
      body()
      shortest = min(shortest, readTimeStampCounter() &- start)
    }
    report(name, shortest / operations)
  }
}

func report(_ name: StaticString, _ ticks: UInt64) {
  var line = TextLine()
  line.add("bench ")
  line.add(name)
  line.add(" ")
  line.add(UInt(ticks))
  line.write()
}

func fail(_ message: StaticString) -> Never {
  printLine(message)
  exitProcess(ExitStatus.mismatch)
}
