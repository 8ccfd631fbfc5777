/// The fixed description table, of which the kernel uses the power management timer (ACPI 6.5, sections
/// 5.2.9 and 4.8.3.3): a counter of 3,579,545 Hz to measure the other clocks by.
public struct FADT: Equatable, Sendable {
  /// The I/O port of the timer; nil where there is none, or where it is not reached by a port.
  public let timerPort: UInt16?
  /// How many bits of the timer count: 24 or 32.
  public let timerBits: Int

  /// Takes a table that `SystemDescriptionTable` has validated.
  public init(_ table: SystemDescriptionTable) throws(ACPIError) {
    guard table.signature == "FACP" else { throw .tableSignature }
    // Up to here ACPI 1.0 has all that is read. What later versions added may be missing.
    guard let block = table.bytes.integer(at: 76, as: UInt32.self),
      let blockLength = table.bytes.integer(at: 91, as: UInt8.self),
      let flags = table.bytes.integer(at: 112, as: UInt32.self)
    else { throw .fadtTooShort }
    timerBits = flags & (1 << 8) == 0 ? 24 : 32
    let addressInPorts = table.bytes.extendedTimerAddress ?? UInt64(block)
    timerPort = blockLength == 4 && addressInPorts != 0 ? UInt16(exactly: addressInPorts) : nil
  }
}

extension ByteView {
  /// X_PM_TMR_BLK, where the table is long enough to have it, and it names an I/O port.
  fileprivate var extendedTimerAddress: UInt64? {
    let systemInputOutput: UInt8 = 1
    guard integer(at: 208, as: UInt8.self) == systemInputOutput,
      let address = integer(at: 212, as: UInt64.self), address != 0
    else { return nil }
    return address
  }
}
