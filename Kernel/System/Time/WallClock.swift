import Core
import Machine

/// The time of day: how far it is ahead of the time since the kernel came up.
public enum WallClock {
  /// Guards changes of the offset.
  nonisolated(unsafe) private static var lock = InterruptLock()
  /// Nanoseconds from 1970 to the start of the kernel's own clock. One word: read without the lock.
  nonisolated(unsafe) private static var storedOffset: UInt64 = 0

  /// Takes the time from the machine's clock, once `Time` runs.
  static func initialize() {
    let seconds = RealTimeClock.read().secondsSinceEpoch ?? 0
    set(nanoseconds: seconds &* 1_000_000_000)
  }

  public static var offset: UInt64 { storedOffset }

  /// Nanoseconds since 1970-01-01 in UTC.
  public static var nanoseconds: UInt64 { Time.nanosecondsSinceBoot &+ storedOffset }

  /// Sets the clock.
  static func set(nanoseconds: UInt64) {
    lock.withLock {
      storedOffset = nanoseconds &- Time.nanosecondsSinceBoot
      TimePage.update()
    }
  }

  /// The same point in time by the kernel's own clock; 0 for one before its start.
  static func nanosecondsSinceBoot(at nanoseconds: UInt64) -> UInt64 {
    let offset = storedOffset
    return nanoseconds > offset ? nanoseconds - offset : 0
  }
}
