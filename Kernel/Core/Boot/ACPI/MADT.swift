/// The multiple APIC description table: which CPUs and interrupt controllers there are (ACPI 6.5, section
/// 5.2.12).
public struct MADT: Sendable {
  /// The physical address of each CPU's local APIC registers, with the override applied where there is one.
  public let localAPICAddress: UInt64
  /// Whether there are two 8259 controllers, which must be masked before the APICs are used.
  public let hasLegacyControllers: Bool

  private let entries: ByteView

  /// Validates every entry.
  public init(_ table: SystemDescriptionTable) throws(ACPIError) {
    guard table.signature == "APIC" else { throw .tableSignature }
    guard let address = table.content.integer(at: 0, as: UInt32.self),
      let flags = table.content.integer(at: 4, as: UInt32.self), let entries = table.content.suffix(from: 8)
    else { throw .madtTooShort }
    var localAPICAddress = UInt64(address)
    var walk = EntryWalk(entries)
    while let entry = try walk.next() {
      if case .localAPICAddressOverride(let address) = entry { localAPICAddress = address }
    }
    self.localAPICAddress = localAPICAddress
    hasLegacyControllers = flags & 1 != 0
    self.entries = entries
  }

  /// Calls `body` with each entry of a known type, in the table's order: the first CPU that the firmware
  /// lists is the one that it booted.
  public func forEachEntry(_ body: (MADTEntry) -> Void) {
    var walk = EntryWalk(entries)
    // Nothing throws here, since `init` walked over the same entries.
    while let entry = try? walk.next() { body(entry) }
  }
}

/// Goes from entry to entry, leaving out those of unknown types.
private struct EntryWalk {
  private let entries: ByteView
  private var offset = 0

  init(_ entries: ByteView) {
    self.entries = entries
  }

  mutating func next() throws(ACPIError) -> MADTEntry? {
    while let type = entries.integer(at: offset, as: UInt8.self) {
      guard let length = entries.integer(at: offset + 1, as: UInt8.self) else { throw .madtEntryBeyondEnd }
      // A length below its own header's would never come to an end.
      guard length >= 2 else { throw .madtEntryTooShort }
      guard let bytes = entries.slice(at: offset, count: Int(length)) else { throw .madtEntryBeyondEnd }
      offset += Int(length)
      if let entry = try MADTEntry(type: type, bytes) { return entry }
    }
    return nil
  }
}
