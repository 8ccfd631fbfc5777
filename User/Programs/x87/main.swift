import Assembly
import Runtime

/// The x87 stack, its control word and its status word.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  let options = Options(
    program: "x87", arguments: Arguments(count: argumentCount, vector: arguments))
  return runPatternProgram(program: "x87", pattern: x87PatternAddress(), options: options)
}
