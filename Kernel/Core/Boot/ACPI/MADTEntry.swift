/// One entry of the MADT, as far as the kernel uses its type (ACPI 6.5, section 5.2.12).
public enum MADTEntry: Equatable, Sendable {
  /// A CPU (type 0), by an APIC identifier of eight bits.
  case localAPIC(LocalAPIC)
  /// A CPU (type 9), by an x2APIC identifier.
  case x2APIC(LocalAPIC)
  /// An I/O APIC (type 1): its registers' physical address, and the first interrupt that it serves.
  case ioAPIC(id: UInt8, address: UInt32, interruptBase: UInt32)
  /// An ISA interrupt that comes elsewhere, or otherwise, than its number says (type 2).
  case interruptSourceOverride(source: UInt8, interrupt: UInt32, polarity: Polarity, trigger: Trigger)
  /// The pin of a local APIC that NMI comes in by (type 4; type 10 for an x2APIC). `processorID` is nil
  /// where it holds for every CPU.
  case localAPICNMI(processorID: UInt32?, pin: UInt8, polarity: Polarity, trigger: Trigger)
  /// The physical address of the local APIC's registers, where 32 bits are too few (type 5).
  case localAPICAddressOverride(UInt64)

  public struct LocalAPIC: Equatable, Sendable {
    /// What ACPI calls the CPU.
    public let processorID: UInt32
    /// What interrupts address it by.
    public let apicID: UInt32
    /// Whether the CPU is there to be started.
    public let isEnabled: Bool
    /// Whether a CPU that is not enabled may be, later.
    public let isOnlineCapable: Bool

    public init(processorID: UInt32, apicID: UInt32, isEnabled: Bool, isOnlineCapable: Bool) {
      self.processorID = processorID
      self.apicID = apicID
      self.isEnabled = isEnabled
      self.isOnlineCapable = isOnlineCapable
    }
  }

  /// Which level of the line means an interrupt. The reserved value counts as the bus's default.
  public enum Polarity: UInt8, Sendable { case busDefault, activeHigh, activeLow }

  /// Whether a change or a level means an interrupt. The reserved value counts as the bus's default.
  public enum Trigger: UInt8, Sendable { case busDefault, edge, level }
}

extension MADTEntry {
  /// Decodes one entry; nil for a type that the kernel does not use.
  ///
  /// - Parameter entry: the entry's own bytes, type and length included.
  init?(type: UInt8, _ entry: ByteView) throws(ACPIError) {
    switch type {
    case 0:
      self = .localAPIC(
        LocalAPIC(
          processorID: UInt32(try entry.field(2, UInt8.self)), apicID: UInt32(try entry.field(3, UInt8.self)),
          flags: try entry.field(4, UInt32.self)))
    case 1:
      self = .ioAPIC(
        id: try entry.field(2, UInt8.self), address: try entry.field(4, UInt32.self),
        interruptBase: try entry.field(8, UInt32.self))
    case 2:
      let flags = try entry.field(8, UInt16.self)
      self = .interruptSourceOverride(
        source: try entry.field(3, UInt8.self), interrupt: try entry.field(4, UInt32.self),
        polarity: Polarity(flags: flags), trigger: Trigger(flags: flags))
    case 4:
      let processorID = try entry.field(2, UInt8.self)
      let flags = try entry.field(3, UInt16.self)
      self = .localAPICNMI(
        processorID: processorID == UInt8.max ? nil : UInt32(processorID),
        pin: try entry.field(5, UInt8.self), polarity: Polarity(flags: flags), trigger: Trigger(flags: flags))
    case 5:
      self = .localAPICAddressOverride(try entry.field(4, UInt64.self))
    case 9:
      self = .x2APIC(
        LocalAPIC(
          processorID: try entry.field(12, UInt32.self), apicID: try entry.field(4, UInt32.self),
          flags: try entry.field(8, UInt32.self)))
    case 10:
      let flags = try entry.field(2, UInt16.self)
      let processorID = try entry.field(4, UInt32.self)
      self = .localAPICNMI(
        processorID: processorID == UInt32.max ? nil : processorID,
        pin: try entry.field(8, UInt8.self), polarity: Polarity(flags: flags), trigger: Trigger(flags: flags))
    default:
      return nil
    }
  }
}

extension MADTEntry.LocalAPIC {
  fileprivate init(processorID: UInt32, apicID: UInt32, flags: UInt32) {
    self.init(
      processorID: processorID, apicID: apicID, isEnabled: flags & 1 != 0, isOnlineCapable: flags & 2 != 0)
  }
}

// The flags of interrupt lines: ACPI 6.5, table 5.26.
extension MADTEntry.Polarity {
  fileprivate init(flags: UInt16) {
    switch flags & 3 {
    case 1: self = .activeHigh
    case 3: self = .activeLow
    default: self = .busDefault
    }
  }
}

extension MADTEntry.Trigger {
  fileprivate init(flags: UInt16) {
    switch flags >> 2 & 3 {
    case 1: self = .edge
    case 3: self = .level
    default: self = .busDefault
    }
  }
}

extension ByteView {
  fileprivate func field<T: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int, _ type: T.Type
  ) throws(ACPIError) -> T {
    guard let value = integer(at: offset, as: type) else { throw .madtEntryTooShort }
    return value
  }
}
