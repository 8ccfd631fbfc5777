/// What a PC's real-time clock shows (MC146818A data sheet): its registers, as they are read.
public struct RealTimeClockRegisters: Equatable, Sendable {
  public var second, minute, hour, day, month, year: UInt8
  /// Register B: how the others are encoded.
  public var format: UInt8

  public init(second: UInt8, minute: UInt8, hour: UInt8, day: UInt8, month: UInt8, year: UInt8, format: UInt8)
  {
    self.second = second
    self.minute = minute
    self.hour = hour
    self.day = day
    self.month = month
    self.year = year
    self.format = format
  }

  /// The seconds since 1970 in UTC, which the clock is taken to keep; nil where it shows no time.
  public var secondsSinceEpoch: UInt64? {
    let isBinary = format & 4 != 0
    let is24Hours = format & 2 != 0
    func number(_ register: UInt8) -> UInt64? {
      if isBinary { return UInt64(register) }
      guard register & 15 < 10, register >> 4 < 10 else { return nil }
      return UInt64(register >> 4) * 10 + UInt64(register & 15)
    }
    guard let second = number(second), let minute = number(minute), let day = number(day),
      let month = number(month), let year = number(year),
      var hour = number(is24Hours ? hour : hour & 0x7F),
      second < 60, minute < 60, (1...31).contains(day), (1...12).contains(month), year < 100
    else { return nil }
    if !is24Hours {
      guard (1...12).contains(hour) else { return nil }
      hour = hour % 12 + (self.hour & 0x80 != 0 ? 12 : 0)
    }
    guard hour < 24 else { return nil }
    // The century is not in a register of its own everywhere.
    let days = Self.daysSinceEpoch(year: year < 70 ? 2000 + year : 1900 + year, month: month, day: day)
    return ((days * 24 + hour) * 60 + minute) * 60 + second
  }

  /// Days from 1970-01-01 to a day of the Gregorian calendar, from that year on.
  static func daysSinceEpoch(year: UInt64, month: UInt64, day: UInt64) -> UInt64 {
    // Years that begin in March have the leap day at their end.
    let marchYear = month > 2 ? year : year - 1
    let marchMonth = (month + 9) % 12
    let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
    let dayOfYear = (marchMonth * 153 + 2) / 5 + day - 1
    return marchYear * 365 + leapDays + dayOfYear - 719_468
  }
}
