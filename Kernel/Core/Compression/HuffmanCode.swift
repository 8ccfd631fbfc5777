/// A canonical Huffman code made from the lengths of its codes (RFC 1951, 3.2.2).
///
/// Codes of up to `tableBits` bits are found by one look into a table, longer ones bit by bit.
struct HuffmanCode {
  static var largestLength: Int { 15 }
  static var largestSymbolCount: Int { 288 }
  private static var tableBits: Int { 10 }
  /// In bytes.
  static var memorySize: Int { (1024 + 16 + largestSymbolCount) * 2 }

  /// For each value of the next bits: the symbol times 16, and its code's length; 0 for none.
  private let table: UnsafeMutablePointer<UInt16>
  /// How many codes each length has.
  private let counts: UnsafeMutablePointer<UInt16>
  /// The symbols in the order of their codes.
  private let symbols: UnsafeMutablePointer<UInt16>

  /// A code that has yet to be built.
  ///
  /// - Parameter memory: `memorySize` bytes on a multiple of two, the caller's, for as long as the code is used.
  init(memory: UnsafeMutableRawPointer) {
    table = memory.bindMemory(to: UInt16.self, capacity: Self.memorySize / 2)
    table.initialize(repeating: 0, count: Self.memorySize / 2)
    counts = table + 1024
    symbols = counts + 16
  }

  /// - Parameters:
  ///   - lengths: of `count` symbols, 0 for those without a code, each at most 15.
  ///   - mayBeIncomplete: whether one code of a single bit, or none, will do.
  func build(
    _ lengths: UnsafeMutablePointer<UInt8>, from start: Int, count: Int, mayBeIncomplete: Bool
  ) throws(InflateError) {
    for length in 0...Self.largestLength { counts[length] = 0 }
    for symbol in 0..<count { counts[Int(lengths[start + symbol])] += 1 }
    counts[0] = 0

    var left = 1
    var largest = 0
    for length in 1...Self.largestLength {
      left = left * 2 - Int(counts[length])
      guard left >= 0 else { throw .badCodeLengths }
      if counts[length] > 0 { largest = length }
    }
    guard left == 0 || mayBeIncomplete && largest <= 1 else { throw .badCodeLengths }

    var offsets = InlineArray<16, UInt16>(repeating: 0)
    var nextCodes = InlineArray<16, UInt16>(repeating: 0)
    for length in 1..<Self.largestLength {
      offsets[length + 1] = offsets[length] + counts[length]
      nextCodes[length + 1] = (nextCodes[length] + counts[length]) << 1
    }
    for entry in 0..<1 << Self.tableBits { table[entry] = 0 }
    for symbol in 0..<count {
      let length = Int(lengths[start + symbol])
      if length == 0 { continue }
      symbols[Int(offsets[length])] = UInt16(symbol)
      offsets[length] += 1
      let code = nextCodes[length]
      nextCodes[length] &+= 1
      if length <= Self.tableBits { fill(code, length: length, symbol: symbol) }
    }
  }

  /// Every entry whose low bits are the code, which comes with its highest bit first.
  private func fill(_ code: UInt16, length: Int, symbol: Int) {
    var entry = 0
    for bit in 0..<length where code & 1 << UInt16(bit) != 0 { entry |= 1 << (length - 1 - bit) }
    while entry < 1 << Self.tableBits {
      table[entry] = UInt16(symbol << 4 | length)
      entry += 1 << length
    }
  }

  /// The next symbol.
  func read(_ input: inout BitReader) throws(InflateError) -> Int {
    let bits = input.peek(Self.largestLength)
    let entry = table[bits & 1023]
    if entry != 0 {
      try input.drop(Int(entry & 15))
      return Int(entry >> 4)
    }
    var code = 0
    var first = 0
    var index = 0
    for length in 1...Self.largestLength {
      code |= bits >> (length - 1) & 1
      let count = Int(counts[length])
      if code - first < count {
        try input.drop(length)
        return Int(symbols[index + code - first])
      }
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    throw .badCode
  }
}
