import Runtime

/// Linux's `struct timespec`.
struct TimeSpecification {
  var seconds: Int
  var nanoseconds: Int
}

private let monotonicClock: UInt = 1

/// The monotonic clock, or a negative errno value.
func monotonicNanoseconds() -> Int {
  var time = TimeSpecification(seconds: 0, nanoseconds: 0)
  let result = withUnsafeMutablePointer(to: &time) {
    callSystem(SystemCallNumber.clockGetTime, monotonicClock, address($0))
  }
  return result < 0 ? result : time.seconds &* 1_000_000_000 &+ time.nanoseconds
}

func sleep(seconds: Int, nanoseconds: Int) -> Int {
  var time = TimeSpecification(seconds: seconds, nanoseconds: nanoseconds)
  return withUnsafeMutablePointer(to: &time) {
    callSystem(SystemCallNumber.nanosleep, address($0), 0)
  }
}

func checkTime(_ checks: inout Checks) {
  let clockGetTime = SystemCallNumber.clockGetTime
  let start = monotonicNanoseconds()
  checks.expect("clock_gettime", start, atLeast: 0)
  checks.expect("nanosleep", sleep(seconds: 0, nanoseconds: 20_000_000), equals: 0)
  checks.expect("the sleep's length", monotonicNanoseconds() - start, atLeast: 20_000_000)
  checks.expect("nanosleep for no time", sleep(seconds: 0, nanoseconds: 0), equals: 0)
  checks.expect(
    "nanosleep for too many nanoseconds", sleep(seconds: 0, nanoseconds: 1_000_000_000),
    error: ErrorNumber.invalid)
  checks.expect(
    "nanosleep for negative seconds", sleep(seconds: -1, nanoseconds: 0), error: ErrorNumber.invalid)
  checks.expect(
    "nanosleep from a bad address", callSystem(SystemCallNumber.nanosleep, kernelAddress, 0),
    error: ErrorNumber.badAddress)
  checks.expect(
    "clock_gettime to a bad address", callSystem(clockGetTime, monotonicClock, kernelAddress),
    error: ErrorNumber.badAddress)
  checks.expect(
    "clock_gettime of no clock", callSystem(clockGetTime, 999, kernelAddress), error: ErrorNumber.invalid)
}
