/// When a timer that may repeat goes off. Times are in whatever unit its clock counts.
public struct TimerSchedule: Equatable, Sendable {
  /// When it goes off next; 0 where it does not.
  public private(set) var expiry: UInt64
  /// The time from one expiry to the next; 0 for once.
  public let interval: UInt64

  public static var disarmed: TimerSchedule { TimerSchedule(expiry: 0, interval: 0) }

  public init(expiry: UInt64, interval: UInt64) {
    self.expiry = expiry
    self.interval = interval
  }

  public var isArmed: Bool { expiry != 0 }

  /// The time left; at least 1 while it is armed, so that nobody takes it for disarmed.
  public func remaining(at now: UInt64) -> UInt64 {
    if !isArmed { return 0 }
    return expiry > now ? expiry - now : 1
  }

  /// Goes on to the first expiry after `now`.
  ///
  /// - Returns: how many expiries have passed; 0 where none has yet.
  public mutating func advance(to now: UInt64) -> UInt64 {
    guard isArmed, expiry <= now else { return 0 }
    guard interval > 0 else {
      expiry = 0
      return 1
    }
    let passed = (now - expiry) / interval + 1
    let (distance, overflows) = passed.multipliedReportingOverflow(by: interval)
    let (next, carries) = expiry.addingReportingOverflow(distance)
    expiry = overflows || carries ? .max : next
    return passed
  }
}
