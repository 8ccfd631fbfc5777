import Assembly
import Runtime

/// XMM0 to XMM15 and MXCSR.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  let options = Options(
    program: "sse", arguments: Arguments(count: argumentCount, vector: arguments))
  return runPatternProgram(program: "sse", pattern: ssePatternAddress(), options: options)
}
