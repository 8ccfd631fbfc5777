import Instructions

/// A 16550 serial port.
///
/// Set to 115200 baud, 8N1, with the line status polled before each byte: emulators that are honest about
/// the hardware cut and lose bytes otherwise.
public struct SerialPort: Sendable {
  private let base: UInt16

  /// COM1, at port 0x3F8 and interrupt 4.
  public static var first: SerialPort { SerialPort(base: 0x3F8) }
  /// The ISA interrupt of the first port.
  public static var firstInterrupt: UInt8 { 4 }
  /// COM2, at port 0x2F8 and interrupt 3.
  public static var second: SerialPort { SerialPort(base: 0x2F8) }
  public static var secondInterrupt: UInt8 { 3 }

  /// Whether there is a port: one that is there keeps what is written to its scratch register.
  public var isPresent: Bool {
    for value: UInt8 in [0x5A, 0xA5] {
      portWrite8(base + 7, value)
      if portRead8(base + 7) != value { return false }
    }
    return true
  }

  /// Sets the port up. What was typed before is not lost: turning FIFOs on clears a byte that has arrived (16550, FIFO
  /// control register, bit 0), and the next one follows as soon as it is read where a file is at the other end. So the
  /// port of somebody who types that early is left without.
  public func initialize() {
    portWrite8(base + 1, 0x00)  // no interrupts
    portWrite8(base + 3, 0x80)  // divisor latch
    portWrite8(base + 0, 0x01)  // 115200 baud
    portWrite8(base + 1, 0x00)
    portWrite8(base + 3, 0x03)  // 8N1
    portWrite8(base + 4, 0x0B)  // DTR, RTS, and OUT2 that lets interrupts through
    if portRead8(base + 5) & 0x01 == 0 { portWrite8(base + 2, 0x01) }  // FIFOs on
  }

  public func write(_ byte: UInt8) {
    while portRead8(base + 5) & 0x20 == 0 { spinHint() }
    portWrite8(base, byte)
  }

  /// The next byte that has arrived, or nil.
  public func read() -> UInt8? {
    portRead8(base + 5) & 0x01 == 0 ? nil : portRead8(base)
  }

  /// Whether `write` would not have to wait.
  public var isReadyToWrite: Bool { portRead8(base + 5) & 0x20 != 0 }

  /// Whether the port asks for an interrupt now. To look ends the request for bytes to write.
  public func takeInterrupt() -> Bool { portRead8(base + 2) & 0x01 == 0 }

  /// Has the port interrupt when a byte has arrived, and when one can be written.
  public func enableInterrupts(receive: Bool, transmit: Bool) {
    portWrite8(base + 1, (receive ? 0x01 : 0) | (transmit ? 0x02 : 0))
  }
}
