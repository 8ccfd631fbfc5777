/// A header of the newc format: six characters, then thirteen numbers of eight hexadecimal digits.
struct CPIOHeader {
  /// In bytes.
  static let size = 110

  /// The numbers in their order in the header.
  enum Field: Int {
    case inode, mode, uid, gid, nlink, mtime, fileSize
    case deviceMajor, deviceMinor, rdevMajor, rdevMinor, nameSize, checksum
  }

  /// Whether the checksum is meant.
  let hasChecksum: Bool

  private let numbers: InlineArray<13, UInt32>

  /// - Parameter view: the header's own bytes.
  init(_ view: ByteView) throws(CPIOError) {
    if view.hasPrefix("070702") {
      hasChecksum = true
    } else if view.hasPrefix("070701") {
      hasChecksum = false
    } else {
      throw .badMagic
    }
    var numbers = InlineArray<13, UInt32>(repeating: 0)
    for index in 0..<13 {
      guard let number = view.slice(at: 6 + index * 8, count: 8)?.unsignedInteger(radix: 16) else {
        throw .badNumber
      }
      // Eight hexadecimal digits are 32 bits.
      numbers[index] = UInt32(truncatingIfNeeded: number)
    }
    self.numbers = numbers
  }

  subscript(field: Field) -> UInt32 { numbers[field.rawValue] }
}
