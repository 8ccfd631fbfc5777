/// The RSDT or XSDT: the physical addresses of all other tables (ACPI 6.5, sections 5.2.7 and 5.2.8).
public struct RootTable: Sendable {
  /// Gives the `count` bytes at a physical address, or nil where they cannot be read. What it gives must
  /// stay mapped for as long as the tables are used.
  public typealias Reader = (_ physicalAddress: UInt64, _ count: Int) -> ByteView?

  private let addresses: ByteView
  private let addressSize: Int

  /// Takes a table that `SystemDescriptionTable` has validated.
  public init(_ table: SystemDescriptionTable) throws(ACPIError) {
    if table.signature == "XSDT" {
      addressSize = 8
    } else if table.signature == "RSDT" {
      addressSize = 4
    } else {
      throw .tableSignature
    }
    guard table.content.count % addressSize == 0 else { throw .rootTableEntryCutOff }
    addresses = table.content
  }

  /// Reads the table that the root pointer names, which must be of the kind that it says.
  public init(_ rsdp: RSDP, read: Reader) throws(ACPIError) {
    let table = try readTable(at: rsdp.rootTable, read)
    try self.init(table)
    guard (addressSize == 8) == rsdp.isExtended else { throw .tableSignature }
  }

  /// How many tables are listed.
  public var count: Int { addresses.count / addressSize }

  /// The physical address of the table at `index`; nil beyond the last one.
  public func address(at index: Int) -> UInt64? {
    guard index >= 0, index < count else { return nil }
    if addressSize == 8 { return addresses.integer(at: index * 8, as: UInt64.self) }
    return addresses.integer(at: index * 4, as: UInt32.self).map { UInt64($0) }
  }

  /// The first table with that signature, validated; nil where none is listed.
  ///
  /// Other tables are not validated: the firmware's mistake in one that the kernel does not use must not
  /// cost a boot. Where nothing is found, but some table could not be looked at, the error says so.
  public func find(_ signature: StaticString, read: Reader) throws(ACPIError) -> SystemDescriptionTable? {
    var sawUnreadable = false
    var index = 0
    while let address = address(at: index) {
      index += 1
      // Null entries occur in real firmware.
      if address == 0 { continue }
      guard let name = read(address, 4) else {
        sawUnreadable = true
        continue
      }
      if name == signature { return try readTable(at: address, read) }
    }
    if sawUnreadable { throw .tableUnreadable }
    return nil
  }
}

/// Reads the header first, since only it tells how much is to be read.
private func readTable(
  at address: UInt64, _ read: RootTable.Reader
) throws(ACPIError) -> SystemDescriptionTable {
  guard let header = read(address, SystemDescriptionTable.headerSize) else { throw .tableUnreadable }
  let length = try SystemDescriptionTable.length(header: header)
  guard let whole = read(address, length) else { throw .tableUnreadable }
  return try SystemDescriptionTable(whole)
}
