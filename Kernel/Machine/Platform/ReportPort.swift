import Core
import Instructions

/// The port for machine-readable reports: QEMU's `-debugcon` and Bochs' `port_e9_hack`, at 0xE9.
///
/// The host writes what comes here to a file; nothing else is mixed in.
public struct ReportPort: ByteSink, Sendable {
  public init() {}

  /// Whether somebody listens: the device answers a read with its own port number.
  public var isPresent: Bool { portRead8(0xE9) == 0xE9 }

  public func write(_ byte: UInt8) {
    portWrite8(0xE9, byte)
  }
}
