import Assembly
import Runtime

func checkFutex(_ checks: inout Checks) {
  let futex = SystemCallNumber.futex
  var word: UInt32 = 5
  var timeout = TimeSpecification(seconds: 0, nanoseconds: 10_000_000)
  withUnsafeMutablePointer(to: &word) { word in
    checks.expect(
      "futex wait for another value", callSystem(futex, address(word), Futex.wait, 4, 0),
      error: ErrorNumber.again)
    checks.expect("futex wake of nobody", callSystem(futex, address(word), Futex.wake, 1), equals: 0)
    withUnsafeMutablePointer(to: &timeout) {
      let start = monotonicNanoseconds()
      checks.expect(
        "futex wait with a timeout", callSystem(futex, address(word), Futex.wait, 5, address($0)),
        error: ErrorNumber.timedOut)
      checks.expect("the timeout's length", monotonicNanoseconds() - start, atLeast: 10_000_000)
      $0.pointee.nanoseconds = 1_000_000_000
      checks.expect(
        "futex wait with a bad timeout", callSystem(futex, address(word), Futex.wait, 5, address($0)),
        error: ErrorNumber.invalid)
    }
    checks.expect(
      "futex at an odd address", callSystem(futex, address(word) + 1, Futex.wait, 5, 0),
      error: ErrorNumber.invalid)
    checks.expect(
      "futex with an unknown operation", callSystem(futex, address(word), 99, 5, 0),
      error: ErrorNumber.noSystemCall)
    checkWaking(&checks, word)
  }
  checks.expect(
    "futex at an unmapped address", callSystem(futex, unmappedAddress, Futex.wait, 5, 0),
    error: ErrorNumber.badAddress)
  checks.expect(
    "futex at a kernel address", callSystem(futex, kernelAddress, Futex.wait, 5, 0),
    error: ErrorNumber.badAddress)
}

/// A thread that sleeps on the word until this one changes it and wakes it.
private func checkWaking(_ checks: inout Checks, _ word: UnsafeMutablePointer<UInt32>) {
  storeWord(word, 1)
  let sleeper = Thread(context: UnsafeMutableRawPointer(word)) { record in
    guard let context = record?.pointee.context else { return }
    let word = context.assumingMemoryBound(to: UInt32.self)
    while loadWord(word) == 1 {
      _ = callSystem(SystemCallNumber.futex, address(word), Futex.wait, 1, 0)
    }
    storeWord(word, 3)
  }
  guard let sleeper else {
    checks.expect("a thread to wake", false)
    return
  }
  _ = sleep(seconds: 0, nanoseconds: 20_000_000)
  checks.expect("the thread sleeps", Int(loadWord(word)), equals: 1)
  storeWord(word, 2)
  checks.expect("futex wake", callSystem(SystemCallNumber.futex, address(word), Futex.wake, 1), equals: 1)
  sleeper.join()
  checks.expect("the thread woke", Int(loadWord(word)), equals: 3)
}
