import Runtime

/// x87, MXCSR and the widest vector registers that there are, at once.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  let options = Options(
    program: "mixed", arguments: Arguments(count: argumentCount, vector: arguments))
  let (name, pattern) = widestMixedPattern()
  return runPatternProgram(program: name, pattern: pattern, options: options)
}
