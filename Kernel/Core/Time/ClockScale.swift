/// Turns ticks of a counter into nanoseconds and back, by multiplication with a fixed-point factor. What the
/// kernel does here, the vDSO does the same way, so that their times agree to the nanosecond.
public struct ClockScale: Equatable, Sendable {
  /// Nanoseconds in a tick, times 2^32.
  public let multiplier: UInt64
  /// Ticks in a nanosecond, times 2^32, rounded up.
  private let inverse: UInt64

  public static var shift: UInt64 { 32 }

  /// - Parameter frequency: ticks in a second: more than 1000.
  public init(frequency: UInt64) {
    multiplier = (1_000_000_000 << Self.shift) / frequency
    inverse = .max / multiplier + 1
  }

  /// Rounded down. Ticks of some centuries at any rate that a CPU has.
  @inline(__always)
  public func nanoseconds(ticks: UInt64) -> UInt64 {
    let (high, low) = ticks.multipliedFullWidth(by: multiplier)
    return high << (64 - Self.shift) | low >> Self.shift
  }

  /// A number of ticks at which `nanoseconds(ticks:)` gives at least so many, for deadlines: less than a
  /// nanosecond in a second too many.
  @inline(__always)
  public func ticks(nanoseconds: UInt64) -> UInt64 {
    // Some 30 years: as good as for ever, and far from an overflow.
    let bounded = min(nanoseconds, 1_000_000_000 * 1_000_000_000)
    let (high, low) = bounded.multipliedFullWidth(by: inverse)
    guard high >> Self.shift == 0 else { return .max >> 1 }
    return (high << (64 - Self.shift) | low >> Self.shift) &+ 1
  }
}
