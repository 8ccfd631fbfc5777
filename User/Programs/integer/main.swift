import Assembly
import Runtime

/// General registers alone: a program that never touches the FPU.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  let options = Options(
    program: "integer", arguments: Arguments(count: argumentCount, vector: arguments))
  return runPatternProgram(program: "integer", pattern: integerPatternAddress(), options: options)
}
