import Assembly
import Runtime

/// YMM0 to YMM15 and MXCSR.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  let options = Options(
    program: "avx", arguments: Arguments(count: argumentCount, vector: arguments))
  guard Features.hasAVX else { refuseUnsupported(program: "avx", "AVX") }
  return runPatternProgram(program: "avx", pattern: avxPatternAddress(), options: options)
}
