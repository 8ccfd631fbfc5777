import Assembly
import Runtime

func checkProcesses(_ checks: inout Checks) {
  let own = processIdentifier()
  checks.expect("getpid", own, atLeast: 1)
  checks.expect("gettid of the first thread", threadIdentifier(), equals: own)
  let wait4 = SystemCallNumber.wait4
  checks.expect("wait4 without a child", callSystem(wait4, UInt.max, 0, 0, 0), error: ErrorNumber.noChild)
  checks.expect(
    "wait4 with bad options", callSystem(wait4, UInt.max, 0, 0x100, 0),
    error: ErrorNumber.invalid)

  let child = callSystem(SystemCallNumber.fork)
  if child == 0 { exitProcess(processIdentifier() == own ? 1 : 42) }
  checks.expect("fork", child, atLeast: 2)
  checks.expect("wait4 of a stranger", callSystem(wait4, UInt(own), 0, 0, 0), error: ErrorNumber.noChild)
  let (waited, status) = waitForChild(child)
  checks.expect("wait4", waited, equals: child)
  checks.expect("wait status of exit_group(42)", Int(status), equals: 42 << 8)
  checks.expect("wait4 again", waitForChild(child).identifier, error: ErrorNumber.noChild)

  let busy = callSystem(SystemCallNumber.fork)
  if busy == 0 {
    _ = sleep(seconds: 0, nanoseconds: 50_000_000)
    _ = callSystem(SystemCallNumber.exit, 7)
  }
  let noHang: UInt = 1
  checks.expect("wait4 without waiting", callSystem(wait4, UInt(bitPattern: busy), 0, noHang, 0), equals: 0)
  checks.expect("wait4 for any child", waitForChild(-1).identifier, equals: busy)

  let faulting = callSystem(SystemCallNumber.fork)
  if faulting == 0 { faultNull() }
  let end = waitForChild(faulting)
  checks.expect("wait status of a null pointer", Int(end.status & 0x7F), equals: 11)

  let bad = callSystem(SystemCallNumber.fork)
  if bad == 0 { exitProcess(0) }
  checks.expect(
    "wait4 to a bad address", callSystem(wait4, UInt(bitPattern: bad), kernelAddress, 0, 0),
    error: ErrorNumber.badAddress)

  checkExecve(&checks)
}

private func checkExecve(_ checks: inout Checks) {
  let execve = SystemCallNumber.execve
  let missing: StaticString = "/no/such/program"
  let empty: StaticString = ""
  var words: InlineArray<2, UnsafePointer<UInt8>?> = [missing.utf8Start, nil]
  withUnsafeMutablePointer(to: &words) {
    let vector = address($0)
    checks.expect(
      "execve of a missing file", callSystem(execve, address(missing.utf8Start), vector, vector + 8),
      error: ErrorNumber.noEntry)
    checks.expect(
      "execve of an empty path", callSystem(execve, address(empty.utf8Start), vector, vector + 8),
      error: ErrorNumber.noEntry)
    checks.expect(
      "execve with a bad path", callSystem(execve, unmappedAddress, vector, vector + 8),
      error: ErrorNumber.badAddress)
    checks.expect(
      "execve with a path in the kernel", callSystem(execve, kernelAddress, vector, vector + 8),
      error: ErrorNumber.badAddress)
  }
}
