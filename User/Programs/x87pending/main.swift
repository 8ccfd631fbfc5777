import Assembly
import Runtime

/// Holds an unmasked x87 exception pending while it runs integer code, and ends without ever waiting for it.
///
/// The exception is this thread's: it must fire in no other, and this one still has it at the end.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  let options = Options(
    program: "x87pending", arguments: Arguments(count: argumentCount, vector: arguments))
  var round: UInt = 0
  while options.rounds == 0 || round < options.rounds {
    guard holdPendingException(max(UInt64(options.spin), 1)) == 1 else {
      var line = TextLine()
      line.add("MISMATCH x87pending pid ")
      line.add(processIdentifier())
      line.add(" round ")
      line.add(round)
      line.add(" register fsw: the pending exception was lost, or other bits changed")
      line.write()
      return ExitStatus.mismatch
    }
    if options.yields { yieldProcessor() }
    round += 1
  }
  if !options.isQuiet { printLine("x87pending: the exception stayed pending") }
  return ExitStatus.passed
}
