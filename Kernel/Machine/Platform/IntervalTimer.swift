import Instructions

/// Channel 2 of the 8254 interval timer: the one clock whose rate is known without asking anybody.
public enum IntervalTimer {
  /// Ticks in a second.
  public static var frequency: UInt64 { 1_193_182 }

  /// Waits for `ticks` ticks by polling; at most 65,535, some 55 ms.
  public static func wait(ticks: UInt16) {
    // Gate off, speaker off; then one-shot mode, and the gate starts the count.
    let control = portRead8(0x61) & 0xFC
    portWrite8(0x61, control)
    portWrite8(0x43, 0b1011_0000)
    portWrite8(0x42, UInt8(truncatingIfNeeded: ticks))
    portWrite8(0x42, UInt8(truncatingIfNeeded: ticks >> 8))
    portWrite8(0x61, control | 1)
    while portRead8(0x61) & 0x20 == 0 { spinHint() }
  }
}

/// The two 8259 interrupt controllers, which the I/O APIC replaces.
public enum LegacyInterruptController {
  /// Masks every line, with the vectors moved away from the exceptions for a spurious one.
  public static func disable() {
    portWrite8(0x20, 0x11)
    portWrite8(0xA0, 0x11)
    portWrite8(0x21, 0x20)
    portWrite8(0xA1, 0x28)
    portWrite8(0x21, 0x04)
    portWrite8(0xA1, 0x02)
    portWrite8(0x21, 0x01)
    portWrite8(0xA1, 0x01)
    portWrite8(0x21, 0xFF)
    portWrite8(0xA1, 0xFF)
  }
}
