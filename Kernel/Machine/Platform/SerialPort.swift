import Instructions

/// A 16550 serial port, polled on output.
///
/// Set to 115200 baud, 8N1, with the line status polled before each byte: emulators that are honest about
/// the hardware cut and lose bytes otherwise.
public struct SerialPort: Sendable {
  private let base: UInt16

  /// COM1, at port 0x3F8 and interrupt 4.
  public static var first: SerialPort { SerialPort(base: 0x3F8) }
  /// The ISA interrupt of the first port.
  public static var firstInterrupt: UInt8 { 4 }

  public func initialize() {
    portWrite8(base + 1, 0x00)  // no interrupts
    portWrite8(base + 3, 0x80)  // divisor latch
    portWrite8(base + 0, 0x01)  // 115200 baud
    portWrite8(base + 1, 0x00)
    portWrite8(base + 3, 0x03)  // 8N1
    portWrite8(base + 2, 0x07)  // FIFOs on and cleared
    portWrite8(base + 4, 0x0B)  // DTR, RTS, and OUT2 that lets interrupts through
  }

  public func write(_ byte: UInt8) {
    while portRead8(base + 5) & 0x20 == 0 { spinHint() }
    portWrite8(base, byte)
  }

  /// The next byte that has arrived, or nil.
  public func read() -> UInt8? {
    portRead8(base + 5) & 0x01 == 0 ? nil : portRead8(base)
  }

  /// Has the port interrupt when a byte arrives.
  public func enableReceiveInterrupt() {
    portWrite8(base + 1, 0x01)
  }
}
