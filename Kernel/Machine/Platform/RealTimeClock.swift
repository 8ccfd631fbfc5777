import Core
import Instructions

/// The battery-backed clock of a PC, behind ports 0x70 and 0x71 (MC146818A data sheet).
public enum RealTimeClock {
  private static func read(_ register: UInt8) -> UInt8 {
    portWrite8(0x70, register)
    return portRead8(0x71)
  }

  /// What the clock shows: read twice alike, so that it did not change meanwhile.
  public static func read() -> RealTimeClockRegisters {
    var last = readOnce()
    // A machine without the clock may show anything: not for ever.
    for _ in 0..<100 {
      let next = readOnce()
      if next == last { break }
      last = next
    }
    return last
  }

  private static func readOnce() -> RealTimeClockRegisters {
    // Register A, bit 7: an update is under way, for 2 ms at most.
    for _ in 0..<100_000 where read(0x0A) & 0x80 != 0 { spinHint() }
    return RealTimeClockRegisters(
      second: read(0x00), minute: read(0x02), hour: read(0x04), day: read(0x07), month: read(0x08),
      year: read(0x09), format: read(0x0B))
  }
}
