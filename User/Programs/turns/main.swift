import Assembly
import Runtime

private let help: StaticString = """
    --none     use no FPU register
    --sse      count in XMM0 to XMM15 (what it does without an option)
    --help     print this
  Gives the CPU up by sched_yield for ever, so that somebody outside can time the switches.
  """

/// Yields without end, with or without live SSE registers; ends if one of them loses its count.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  var arguments = Arguments(count: argumentCount, vector: arguments)
  var usesSSE = true
  while let argument = arguments.next() {
    if argument.matches("--none") {
      usesSSE = false
    } else if argument.matches("--sse") {
      usesSSE = true
    } else if argument.matches("--help") {
      printLine("usage: turns [option]")
      printLine(help)
      return ExitStatus.passed
    } else {
      refuseUsage(program: "turns", "unknown option", argument)
    }
  }
  var word: UInt32 = 0
  while true {
    let turns = usesSSE ? yieldLoopSSE(1_000_000, &word, 1) : yieldLoopNone(1_000_000, &word, 1)
    if turns == UInt64.max {
      printLine("MISMATCH turns: a register lost its count")
      return ExitStatus.mismatch
    }
  }
}
