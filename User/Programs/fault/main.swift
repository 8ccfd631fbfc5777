import Assembly
import Runtime

private let help: StaticString = """
  usage: fault --kind KIND
    KIND is divide, null, kernel-read, kernel-write, jump-kernel, privileged, ud2, x87, simd,
    noncanonical-jump, stack-overflow, write-text or execute-data
  """

/// Brings one fault on itself. It ends by the kernel's hand, or with status 1 where nothing happened.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  var arguments = Arguments(count: argumentCount, vector: arguments)
  guard let option = arguments.next() else { refuseUsage(program: "fault", "--kind KIND is needed") }
  if option.matches("--help") {
    printLine(help)
    return ExitStatus.passed
  }
  guard option.matches("--kind"), let kind = arguments.next() else {
    refuseUsage(program: "fault", "--kind KIND is needed, found", option)
  }
  guard let fault = routine(for: kind) else { refuseUsage(program: "fault", "unknown kind", kind) }
  fault()

  if kind.matches("simd") {
    // QEMU's TCG sets the flag in MXCSR and goes on.
    refuseUnsupported(program: "fault", "SIMD floating-point exception")
  }
  var line = TextLine()
  line.add("MISMATCH fault: no fault came of ")
  line.add(text: kind.text)
  line.write()
  return ExitStatus.mismatch
}

private func routine(for kind: Argument) -> (@convention(c) () -> Void)? {
  if kind.matches("divide") { return faultDivide }
  if kind.matches("null") { return faultNull }
  if kind.matches("kernel-read") { return faultKernelRead }
  if kind.matches("kernel-write") { return faultKernelWrite }
  if kind.matches("jump-kernel") { return faultJumpKernel }
  if kind.matches("privileged") { return faultPrivileged }
  if kind.matches("ud2") { return faultInvalidOpcode }
  if kind.matches("x87") { return faultX87 }
  if kind.matches("simd") { return faultSIMD }
  if kind.matches("noncanonical-jump") { return faultNoncanonicalJump }
  if kind.matches("stack-overflow") { return faultStackOverflow }
  if kind.matches("write-text") { return faultWriteText }
  if kind.matches("execute-data") { return faultExecuteData }
  return nil
}
