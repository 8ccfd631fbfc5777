/// Bits of a compressed stream, the least significant of each byte first (RFC 1951, 3.1.1).
struct BitReader {
  private let input: ByteView
  /// Where the next byte for `buffer` is.
  private var offset: Int
  private var buffer: UInt64 = 0
  private var count = 0

  init(_ input: ByteView, at offset: Int) {
    self.input = input
    self.offset = offset
  }

  /// Where the next whole byte is, once `skipToByte` has dropped what is left of the last one.
  var byteOffset: Int { offset - count / 8 }

  /// The next bits as far as there are any, and zeros behind them; at most 56.
  mutating func peek(_ bits: Int) -> Int {
    if count < bits { refill() }
    return Int(truncatingIfNeeded: buffer & (1 << UInt64(bits) &- 1))
  }

  /// Drops bits that were peeked at.
  mutating func drop(_ bits: Int) throws(InflateError) {
    guard bits <= count else { throw .truncated }
    buffer >>= UInt64(bits)
    count -= bits
  }

  mutating func take(_ bits: Int) throws(InflateError) -> Int {
    let value = peek(bits)
    try drop(bits)
    return value
  }

  /// Goes to the start of the next byte.
  mutating func skipToByte() {
    let excess = count % 8
    buffer >>= UInt64(excess)
    count -= excess
  }

  /// The next bytes as they are; the reader stands at a byte.
  mutating func takeBytes(_ length: Int) throws(InflateError) -> ByteView {
    let start = byteOffset
    guard let bytes = input.slice(at: start, count: length) else { throw .truncated }
    offset = start + length
    buffer = 0
    count = 0
    return bytes
  }

  private mutating func refill() {
    if let word = input.integer(at: offset, as: UInt64.self) {
      let bytes = (63 - count) / 8
      buffer |= word << UInt64(count)
      offset += bytes
      count += bytes * 8
      // Bits above `count` come again with the next word, and are the same.
      buffer &= 1 << UInt64(count) &- 1
      return
    }
    while count <= 56, offset < input.count {
      buffer |= UInt64(input[offset]) << UInt64(count)
      offset += 1
      count += 8
    }
  }
}
