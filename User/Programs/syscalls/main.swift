import Runtime

/// Makes each system call of the first kernel, with right and with wrong arguments.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  let options = Options(
    program: "syscalls", arguments: Arguments(count: argumentCount, vector: arguments))
  var checks = Checks(isQuiet: options.isQuiet)
  checkOutput(&checks)
  checkMapping(&checks)
  checkBreak(&checks)
  checkProcesses(&checks)
  checkThreads(&checks)
  checkThreadPointer(&checks)
  checkScheduling(&checks)
  checkTime(&checks)
  checkFutex(&checks)

  var line = TextLine()
  line.add("syscalls: ")
  line.add(checks.count)
  line.add(" checks, ")
  line.add(checks.failures)
  line.add(" failed")
  line.write()
  return checks.failures == 0 ? ExitStatus.passed : ExitStatus.mismatch
}

private func checkOutput(_ checks: inout Checks) {
  let text: StaticString = "# a line written by system call\n"
  let size = UInt(text.utf8CodeUnitCount)
  let write = SystemCallNumber.write
  checks.expect("write", callSystem(write, 1, address(text.utf8Start), size), equals: Int(size))
  checks.expect("write of nothing", callSystem(write, 1, address(text.utf8Start), 0), equals: 0)
  checks.expect(
    "write to a bad descriptor", callSystem(write, 999, address(text.utf8Start), size),
    error: ErrorNumber.badDescriptor)
  checks.expect(
    "write to descriptor -1", callSystem(write, UInt.max, address(text.utf8Start), size),
    error: ErrorNumber.badDescriptor)
  checks.expect("an unknown call", callSystem(9999), error: ErrorNumber.noSystemCall)
  checks.expect("call number -1", callSystem(UInt.max), error: ErrorNumber.noSystemCall)
}

private func checkScheduling(_ checks: inout Checks) {
  checks.expect("sched_yield", callSystem(SystemCallNumber.schedYield), equals: 0)
  let set = SystemCallNumber.schedSetAffinity
  let get = SystemCallNumber.schedGetAffinity
  var masks = InlineArray<16, UInt64>(repeating: 0)
  var one: UInt64 = 1
  withUnsafeMutablePointer(to: &masks) { mask in
    let first = UnsafeMutableRawPointer(mask).assumingMemoryBound(to: UInt64.self)
    checks.expect("sched_getaffinity", callSystem(get, 0, 128, address(mask)), atLeast: 8)
    let all = first.pointee
    checks.expect("CPU 0 is there", all & 1 != 0)
    withUnsafeMutablePointer(to: &one) {
      checks.expect("sched_setaffinity to CPU 0", callSystem(set, 0, 8, address($0)), equals: 0)
      _ = callSystem(get, 0, 128, address(mask))
      checks.expect("the affinity set", first.pointee == 1)
      $0.pointee = 0
      checks.expect(
        "sched_setaffinity to no CPU", callSystem(set, 0, 8, address($0)),
        error: ErrorNumber.invalid)
      $0.pointee = all
      checks.expect("sched_setaffinity to all CPUs", callSystem(set, 0, 8, address($0)), equals: 0)
    }
    checks.expect(
      "sched_getaffinity with a size of 3", callSystem(get, 0, 3, address(mask)), error: ErrorNumber.invalid)
    checks.expect(
      "sched_getaffinity of no thread", callSystem(get, 0x3FFF_FFFF, 128, address(mask)), error: 3)
  }
  checks.expect(
    "sched_setaffinity from a bad address", callSystem(set, 0, 8, kernelAddress),
    error: ErrorNumber.badAddress)
  checks.expect(
    "sched_getaffinity to a bad address", callSystem(get, 0, 128, kernelAddress),
    error: ErrorNumber.badAddress)
}
