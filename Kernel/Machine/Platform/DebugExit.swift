import Instructions

/// The status with which the machine ends, seen on the host as QEMU's exit status `value * 2 + 1`.
public enum ExitStatus: UInt8, Sendable {
  /// Everything that was asked for passed; QEMU exits with 33.
  case passed = 0x10
  /// Something that was asked for failed; QEMU exits with 35.
  case failed = 0x11
  /// The kernel panicked; QEMU exits with 37.
  case panicked = 0x12
}

/// Ends the machine through QEMU's `isa-debug-exit` device at port 0xF4; without the device, does nothing.
public func debugExit(_ status: ExitStatus) {
  portWrite8(0xF4, status.rawValue)
}
