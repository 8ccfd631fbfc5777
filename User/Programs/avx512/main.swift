import Assembly
import Runtime

/// ZMM0 to ZMM31, the mask registers and MXCSR.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  let options = Options(
    program: "avx512", arguments: Arguments(count: argumentCount, vector: arguments))
  guard Features.hasAVX512 else { refuseUnsupported(program: "avx512", "AVX-512") }
  return runPatternProgram(program: "avx512", pattern: avx512PatternAddress(), options: options)
}
