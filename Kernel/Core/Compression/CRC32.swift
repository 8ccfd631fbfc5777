/// The checksum of gzip (RFC 1952, section 8): polynomial 0xEDB88320, bits reflected.
struct CRC32 {
  /// What four bits do to the checksum: a table of all eight bits would be large for a stack.
  private var table = InlineArray<16, UInt32>(repeating: 0)

  init() {
    for bits in 0..<16 {
      var value = UInt32(bits)
      for _ in 0..<4 { value = value >> 1 ^ (value & 1 == 0 ? 0 : 0xEDB8_8320) }
      table[bits] = value
    }
  }

  func checksum(of bytes: ByteView) -> UInt32 {
    var value = UInt32.max
    for byte in bytes.bytes {
      value ^= UInt32(byte)
      value = value >> 4 ^ table[unchecked: Int(value & 15)]
      value = value >> 4 ^ table[unchecked: Int(value & 15)]
    }
    return ~value
  }
}
