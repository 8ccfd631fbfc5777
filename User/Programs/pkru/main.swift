import Assembly
import Runtime

/// The protection keys' rights, which the kernel switches apart from the FPU's deferred load.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  let options = Options(
    program: "pkru", arguments: Arguments(count: argumentCount, vector: arguments))
  guard Features.hasProtectionKeys else { refuseUnsupported(program: "pkru", "protection keys") }
  return runPatternProgram(program: "pkru", pattern: pkruPatternAddress(), options: options)
}
