/// The root pointer, from which all tables are found (ACPI specification 6.5, section 5.2.5.3).
public struct RSDP: Equatable, Sendable {
  /// The size in bytes of what ACPI 1.0 defines.
  public static let sizeOfVersion1 = 20
  /// The size in bytes of what ACPI 2.0 and later define.
  public static let sizeOfVersion2 = 36

  /// 0 for ACPI 1.0, 2 for every later version.
  public let revision: UInt8
  /// The physical address of the XSDT where there is one, of the RSDT otherwise.
  public let rootTable: UInt64
  /// Whether `rootTable` is an XSDT, with addresses of 64 bits.
  public let isExtended: Bool

  /// Validates the pointer, with both checksums where there are two.
  public init(_ view: ByteView) throws(ACPIError) {
    guard let version1 = view.slice(at: 0, count: Self.sizeOfVersion1),
      let revision = view.integer(at: 15, as: UInt8.self),
      let rsdt = view.integer(at: 16, as: UInt32.self)
    else { throw .rsdpTruncated }
    guard version1.hasPrefix("RSD PTR ") else { throw .rsdpSignature }
    guard version1.sumOfBytes & 0xFF == 0 else { throw .rsdpChecksum }
    self.revision = revision
    let xsdt = revision >= 2 ? try Self.extendedRootTable(view) : 0
    isExtended = xsdt != 0
    rootTable = isExtended ? xsdt : UInt64(rsdt)
    guard rootTable != 0 else { throw .rsdpWithoutTable }
  }

  private static func extendedRootTable(_ view: ByteView) throws(ACPIError) -> UInt64 {
    guard let length = view.integer(at: 20, as: UInt32.self),
      let xsdt = view.integer(at: 24, as: UInt64.self), view.count >= sizeOfVersion2
    else { throw .rsdpTruncated }
    guard length >= sizeOfVersion2, let whole = view.slice(at: 0, count: Int(length)) else {
      throw .rsdpLength
    }
    guard whole.sumOfBytes & 0xFF == 0 else { throw .rsdpExtendedChecksum }
    return xsdt
  }
}
