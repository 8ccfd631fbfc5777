/// The header of a gzip member (RFC 1952, section 2.3).
struct GzipHeader {
  /// Where the deflated data begins.
  let dataOffset: Int

  /// Whether a member begins there.
  static func isPresent(in image: ByteView, at offset: Int) -> Bool {
    image.integer(at: offset, as: UInt16.self) == 0x8B1F
  }

  /// Reads the header at `offset`.
  init(_ image: ByteView, at offset: Int) throws(InflateError) {
    guard image.count - offset >= 10 else { throw .truncated }
    guard image[offset + 2] == 8 else { throw .badMethod }
    let flags = image[offset + 3]
    guard flags & 0xE0 == 0 else { throw .badFlags }
    var end = offset + 10
    if flags & 0x04 != 0 {
      guard let length = image.integer(at: end, as: UInt16.self) else { throw .truncated }
      end += 2 + Int(length)
    }
    // A name, then a comment.
    let texts = (flags & 0x08 != 0 ? 1 : 0) + (flags & 0x10 != 0 ? 1 : 0)
    for _ in 0..<texts {
      guard let text = image.cString(at: end) else { throw .truncated }
      end += text.count + 1
    }
    if flags & 0x02 != 0 {
      guard let header = image.slice(at: offset, count: end - offset),
        let checksum = image.integer(at: end, as: UInt16.self)
      else { throw .truncated }
      guard UInt16(truncatingIfNeeded: CRC32().checksum(of: header)) == checksum else {
        throw .badHeaderChecksum
      }
      end += 2
    }
    guard end <= image.count else { throw .truncated }
    dataOffset = end
  }
}
