/// Linux's clocks (clock_gettime(2)).
public enum ClockIdentifier: Equatable, Sendable {
  case realTime, monotonic, monotonicRaw, realTimeCoarse, monotonicCoarse, bootTime, internationalAtomic
  /// The time that a process has had on CPUs; 0 is the caller's.
  case processTime(Int32)
  /// The time that a thread has had; 0 is the caller.
  case threadTime(Int32)

  /// Nil for a clock that there is not (EINVAL).
  public init?(_ number: Int32) {
    switch number {
    case 0, 8: self = .realTime  // also CLOCK_REALTIME_ALARM
    case 1: self = .monotonic
    case 2: self = .processTime(0)
    case 3: self = .threadTime(0)
    case 4: self = .monotonicRaw
    case 5: self = .realTimeCoarse
    case 6: self = .monotonicCoarse
    case 7, 9: self = .bootTime  // also CLOCK_BOOTTIME_ALARM
    case 11: self = .internationalAtomic
    default:
      // Another process's or thread's: the complement of its identifier, and three bits.
      guard number < 0 else { return nil }
      let identifier = ~(number >> 3)
      // 0 and 1 are user and system time together, 2 is all that was had; 3 is a descriptor's clock.
      guard number & 3 != 3, identifier >= 0 else { return nil }
      self = number & 4 != 0 ? .threadTime(identifier) : .processTime(identifier)
    }
  }

  public var isCPUTime: Bool {
    switch self {
    case .processTime, .threadTime: true
    default: false
    }
  }

  /// Whether clock_nanosleep(2) takes it.
  public var canBeSleptOn: Bool {
    switch self {
    case .realTime, .monotonic, .bootTime, .internationalAtomic, .processTime: true
    default: false
    }
  }
}
