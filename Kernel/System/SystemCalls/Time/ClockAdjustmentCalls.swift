import Core
import Machine

/// Steering of the wall clock, which can be looked at only: there is nothing to steer it by.
extension SystemCalls {
  /// adjtimex(2)
  static func adjtimex(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try describeClock(at: arguments.first)
  }

  /// clock_adjtime(2)
  static func clock_adjtime(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard let clock = ClockIdentifier(Int32(truncatingIfNeeded: arguments.first)) else { throw .invalid }
    guard clock == .realTime else { throw .notSupported }
    return try describeClock(at: arguments.second)
  }

  /// Fills a `struct timex` of 208 bytes: a clock that nobody synchronises (TIME_ERROR).
  private static func describeClock(at address: UInt64) throws(Errno) -> Int64 {
    guard let modes = UserMemory.load(UInt32(0), from: address) else { throw .badAddress }
    if modes != 0 { throw .notPermitted }
    let now = TimeValue(nanoseconds: WallClock.nanoseconds)
    var words = InlineArray<26, Int64>(repeating: 0)
    words[3] = 16_000_000  // maxerror
    words[4] = 16_000_000  // esterror
    words[5] = 0x40  // STA_UNSYNC
    words[6] = 2  // constant
    words[7] = 1  // precision
    words[8] = 32_768_000  // tolerance
    words[9] = now.seconds
    words[10] = now.microseconds
    words[11] = 10_000  // tick
    guard UserMemory.store(words, to: address) else { throw .badAddress }
    return 5
  }
}
