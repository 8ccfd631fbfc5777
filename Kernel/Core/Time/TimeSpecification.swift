/// Linux's `struct timespec`.
public struct TimeSpecification: BitwiseCopyable, Equatable, Sendable {
  public var seconds: Int64
  public var nanoseconds: Int64

  public init(seconds: Int64, nanoseconds: Int64) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  public init(nanoseconds: UInt64) {
    seconds = Int64(nanoseconds / 1_000_000_000)
    self.nanoseconds = Int64(nanoseconds % 1_000_000_000)
  }

  public static var zero: TimeSpecification { TimeSpecification(seconds: 0, nanoseconds: 0) }

  /// The length in nanoseconds, at most `UInt64.max`; nil for a value that is no length (EINVAL).
  public var length: UInt64? {
    guard seconds >= 0, nanoseconds >= 0, nanoseconds < 1_000_000_000 else { return nil }
    let (product, overflows) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, carries) = product.addingReportingOverflow(UInt64(nanoseconds))
    return overflows || carries ? .max : sum
  }
}

/// Linux's `struct timeval`.
public struct TimeValue: BitwiseCopyable, Equatable, Sendable {
  public var seconds: Int64
  public var microseconds: Int64

  public init(seconds: Int64, microseconds: Int64) {
    self.seconds = seconds
    self.microseconds = microseconds
  }

  public init(nanoseconds: UInt64) {
    seconds = Int64(nanoseconds / 1_000_000_000)
    microseconds = Int64(nanoseconds % 1_000_000_000 / 1000)
  }

  /// The length in nanoseconds; nil for a value that is no length (EINVAL).
  public var length: UInt64? {
    guard microseconds >= 0, microseconds < 1_000_000 else { return nil }
    return TimeSpecification(seconds: seconds, nanoseconds: microseconds * 1000).length
  }
}
