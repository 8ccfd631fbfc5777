/// A table with the header that all but the root pointer and the FACS share (ACPI 6.5, section 5.2.6).
public struct SystemDescriptionTable: Sendable {
  /// The size in bytes of the common header.
  public static let headerSize = 36

  /// The whole table, header included, and nothing after it.
  public let bytes: ByteView
  /// The four characters that tell what the table is.
  public let signature: ByteView
  /// What stands after the common header.
  public let content: ByteView

  /// Validates length and checksum.
  ///
  /// - Parameter memory: begins with the table, and may be larger.
  public init(_ memory: ByteView) throws(ACPIError) {
    let length = try Self.length(header: memory)
    guard let bytes = memory.slice(at: 0, count: length),
      let signature = bytes.slice(at: 0, count: 4), let content = bytes.suffix(from: Self.headerSize)
    else { throw .tableTruncated }
    guard bytes.sumOfBytes & 0xFF == 0 else { throw .tableChecksum }
    self.bytes = bytes
    self.signature = signature
    self.content = content
  }

  /// The size in bytes that the header states for the whole table.
  static func length(header: ByteView) throws(ACPIError) -> Int {
    guard header.count >= headerSize, let length = header.integer(at: 4, as: UInt32.self) else {
      throw .tableTruncated
    }
    guard length >= headerSize else { throw .tableLength }
    return Int(length)
  }
}
