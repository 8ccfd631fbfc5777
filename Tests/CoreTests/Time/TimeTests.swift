@testable import Core
import Testing

@Suite struct TimeTests {
  @Test func lengthsAreChecked() {
    #expect(TimeSpecification(seconds: 2, nanoseconds: 5).length == 2_000_000_005)
    #expect(TimeSpecification(seconds: 0, nanoseconds: 1_000_000_000).length == nil)
    #expect(TimeSpecification(seconds: -1, nanoseconds: 0).length == nil)
    #expect(TimeSpecification(seconds: 0, nanoseconds: -1).length == nil)
    #expect(TimeSpecification(seconds: .max, nanoseconds: 999_999_999).length == .max)
    #expect(TimeSpecification(seconds: 18_446_744_073, nanoseconds: 709_551_616).length == .max)
    #expect(TimeSpecification(nanoseconds: 3_000_000_007) == TimeSpecification(seconds: 3, nanoseconds: 7))
    #expect(TimeValue(seconds: 1, microseconds: 999_999).length == 1_999_999_000)
    #expect(TimeValue(seconds: 1, microseconds: 1_000_000).length == nil)
    #expect(TimeValue(nanoseconds: 1_500_000_999) == TimeValue(seconds: 1, microseconds: 500_000))
  }

  @Test(arguments: [1_000_000_000, 999_999_937, 2_596_000_123, 4_999_999_999, 62_500_000] as [UInt64])
  func noDeadlineComesEarly(frequency: UInt64) {
    let scale = ClockScale(frequency: frequency)
    for nanoseconds: UInt64 in [0, 1, 999, 1_000_000, 123_456_789_012, 86_400_000_000_000 * 365] {
      let ticks = scale.ticks(nanoseconds: nanoseconds)
      #expect(scale.nanoseconds(ticks: ticks) >= nanoseconds)
      let late = scale.nanoseconds(ticks: ticks) - nanoseconds
      #expect(late <= nanoseconds / 1_000_000_000 + 2_000_000_000 / frequency + 1)
    }
    let second = scale.nanoseconds(ticks: frequency)
    #expect(second > 999_999_990 && second <= 1_000_000_000)
    #expect(scale.ticks(nanoseconds: .max) > 1 << 55)
  }

  private func clock(
    _ second: UInt8, _ minute: UInt8, _ hour: UInt8, _ day: UInt8, _ month: UInt8, _ year: UInt8, _ format: UInt8
  ) -> UInt64? {
    RealTimeClockRegisters(
      second: second, minute: minute, hour: hour, day: day, month: month, year: year, format: format
    ).secondsSinceEpoch
  }

  @Test func realTimeClockIsReadInEachOfItsFormats() {
    #expect(clock(0, 0, 0, 1, 1, 0x70, 2) == 0)
    #expect(clock(0x56, 0x34, 0x12, 0x21, 0x11, 0x26, 2) == 1_795_264_496)
    #expect(clock(56, 34, 12, 21, 11, 26, 6) == 1_795_264_496)
    #expect(clock(56, 34, 0x80 | 12, 21, 11, 26, 4) == 1_795_264_496)
    #expect(clock(56, 34, 12, 21, 11, 26, 4) == 1_795_264_496 - 12 * 3600)
    #expect(clock(0, 0, 0, 29, 2, 24, 6) == 1_709_164_800)
    #expect(clock(0, 0, 0, 1, 3, 24, 6) == 1_709_251_200)
    #expect(clock(60, 0, 0, 1, 1, 24, 6) == nil)
    #expect(clock(0x0A, 0, 0, 1, 1, 0x24, 2) == nil)
    #expect(clock(0, 0, 0, 0, 1, 24, 6) == nil)
    #expect(clock(0, 0, 0, 1, 13, 24, 6) == nil)
    #expect(clock(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF) == nil)
  }

  @Test func clocksOfOthersAreTakenApart() {
    #expect(ClockIdentifier(1) == .monotonic)
    #expect(ClockIdentifier(10) == nil)
    #expect(ClockIdentifier(12) == nil)
    // As the C library's clock_getcpuclockid and pthread_getcpuclockid make them.
    #expect(ClockIdentifier(~42 << 3 | 2) == .processTime(42))
    #expect(ClockIdentifier(~42 << 3 | 6) == .threadTime(42))
    #expect(ClockIdentifier(~3 << 3 | 3) == nil)
  }
}
