/// Decompresses a stream of deflated blocks (RFC 1951).
///
/// The codes live in memory that the caller lends, since the first stack of a kernel is small; nothing is
/// allocated. Time is linear in the input and the output.
struct Inflate {
  private let literals: HuffmanCode
  private let distances: HuffmanCode
  private let lengths: UnsafeMutablePointer<UInt8>

  /// In bytes.
  static var memorySize: Int { HuffmanCode.memorySize * 2 + 320 }

  /// - Parameter memory: `memorySize` bytes on a multiple of two, the caller's, for as long as this is used.
  init(memory: UnsafeMutableRawPointer) {
    literals = HuffmanCode(memory: memory)
    distances = HuffmanCode(memory: memory + HuffmanCode.memorySize)
    lengths = (memory + HuffmanCode.memorySize * 2).bindMemory(to: UInt8.self, capacity: 320)
    lengths.initialize(repeating: 0, count: 320)
  }

  /// Reads blocks up to the last one's end.
  ///
  /// - Parameters:
  ///   - input: stands at the first block, and afterwards behind the last one's final byte.
  ///   - output: gets the bytes. Copies reach back to where it stands now, and no further.
  func run(
    _ input: inout BitReader, into output: inout some InflateOutput
  ) throws(InflateError) {
    let start = output.count
    var isLast = false
    while !isLast {
      isLast = try input.take(1) == 1
      switch try input.take(2) {
      case 0: try copyStoredBlock(&input, &output)
      case 1:
        try buildFixedCodes()
        try readBlock(&input, &output, start)
      case 2:
        try readCodes(&input)
        try readBlock(&input, &output, start)
      default: throw .badBlockType
      }
    }
    input.skipToByte()
  }

  private func copyStoredBlock(
    _ input: inout BitReader, _ output: inout some InflateOutput
  ) throws(InflateError) {
    input.skipToByte()
    let length = try input.take(16)
    guard try input.take(16) == length ^ 0xFFFF else { throw .badStoredLength }
    try output.append(input.takeBytes(length))
  }

  /// Section 3.2.6.
  private func buildFixedCodes() throws(InflateError) {
    for symbol in 0..<288 {
      lengths[symbol] = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8
    }
    try literals.build(lengths, from: 0, count: 288, mayBeIncomplete: false)
    // Distances 30 and 31 have codes that never occur.
    for symbol in 0..<32 { lengths[symbol] = 5 }
    try distances.build(lengths, from: 0, count: 32, mayBeIncomplete: false)
  }

  /// Section 3.2.7: the codes of a block, themselves compressed.
  private func readCodes(_ input: inout BitReader) throws(InflateError) {
    let literalCount = try input.take(5) + 257
    let distanceCount = try input.take(5) + 1
    let lengthCount = try input.take(4) + 4
    guard literalCount <= 286, distanceCount <= 30 else { throw .badCodeLengths }

    let order: InlineArray<19, UInt8> = [
      16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ]
    for index in 0..<19 { lengths[index] = 0 }
    for index in 0..<lengthCount { lengths[Int(order[index])] = UInt8(try input.take(3)) }
    try literals.build(lengths, from: 0, count: 19, mayBeIncomplete: false)

    let total = literalCount + distanceCount
    var index = 0
    while index < total {
      let symbol = try literals.read(&input)
      if symbol < 16 {
        lengths[index] = UInt8(symbol)
        index += 1
        continue
      }
      var value: UInt8 = 0
      let count: Int
      switch symbol {
      case 16:
        guard index > 0 else { throw .badCodeLengths }
        value = lengths[index - 1]
        count = 3 + (try input.take(2))
      case 17: count = 3 + (try input.take(3))
      default: count = 11 + (try input.take(7))
      }
      guard count <= total - index else { throw .badCodeLengths }
      for _ in 0..<count {
        lengths[index] = value
        index += 1
      }
    }
    // Without a code for its end a block would have none.
    guard lengths[256] != 0 else { throw .badCodeLengths }
    try literals.build(lengths, from: 0, count: literalCount, mayBeIncomplete: true)
    try distances.build(lengths, from: literalCount, count: distanceCount, mayBeIncomplete: true)
  }

  private func readBlock(
    _ input: inout BitReader, _ output: inout some InflateOutput, _ start: Int
  ) throws(InflateError) {
    while true {
      let symbol = try literals.read(&input)
      if symbol < 256 {
        try output.append(UInt8(symbol))
        continue
      }
      if symbol == 256 { return }
      let length = try readLength(symbol - 257, &input)
      let distance = try readDistance(&input)
      guard distance <= output.count - start else { throw .badDistance }
      try output.repeatBytes(distance: distance, length: length)
    }
  }

  /// Section 3.2.5: codes in groups of four, each group with one more bit behind the code.
  private func readLength(_ code: Int, _ input: inout BitReader) throws(InflateError) -> Int {
    if code < 8 { return 3 + code }
    if code == 28 { return 258 }
    guard code < 28 else { throw .badCode }
    let bits = code >> 2 - 1
    return 3 + (4 + code & 3) << bits + (try input.take(bits))
  }

  /// The same in groups of two.
  private func readDistance(_ input: inout BitReader) throws(InflateError) -> Int {
    let code = try distances.read(&input)
    if code < 4 { return 1 + code }
    guard code < 30 else { throw .badCode }
    let bits = code >> 1 - 1
    return 1 + (2 + code & 1) << bits + (try input.take(bits))
  }
}
