/// Builds an ELF file from headers that a test may get wrong on purpose.
struct ELFSample {
  struct Header {
    var type: UInt32 = 1
    var flags: UInt32 = 5
    var offset: UInt64 = 0
    var address: UInt64 = 0
    var fileSize: UInt64 = 0
    var memorySize: UInt64 = 0
    var alignment: UInt64 = 4096
  }

  var type: UInt16 = 2
  var entry: UInt64 = 0x40_1000
  var headers: [Header]
  var size = 0x3000

  /// Code, data with zeros behind it, thread-local storage, and a stack without execution.
  static var program: ELFSample {
    ELFSample(headers: [
      Header(
        type: 6, flags: 4, offset: 64, address: 0x40_0040, fileSize: 6 * 56, memorySize: 6 * 56,
        alignment: 8),
      Header(flags: 4, offset: 0, address: 0x40_0000, fileSize: 0x400, memorySize: 0x400),
      Header(flags: 5, offset: 0x1000, address: 0x40_1000, fileSize: 0x123, memorySize: 0x123),
      Header(flags: 6, offset: 0x1124, address: 0x40_2124, fileSize: 0x10, memorySize: 0x2000),
      Header(
        type: 7, flags: 4, offset: 0x1124, address: 0x40_2124, fileSize: 8, memorySize: 24, alignment: 16),
      Header(type: 0x6474_E551, flags: 6, alignment: 0),
    ])
  }

  /// The same as a static-pie program at address 0.
  static var positionIndependent: ELFSample {
    var sample = program
    sample.type = 3
    sample.entry = 0x1000
    for index in 0..<5 { sample.headers[index].address -= 0x40_0000 }
    return sample
  }

  /// A program for `interpreter`, whose bytes stand at offset 0x200 with what `bytes` says.
  static func interpreted(_ interpreter: [UInt8], size: UInt64? = nil) -> [UInt8] {
    var sample = program
    let count = size ?? UInt64(interpreter.count)
    sample.headers[5] = Header(
      type: 3, flags: 4, offset: 0x1800, fileSize: count, memorySize: count, alignment: 1)
    var bytes = sample.bytes
    for (index, byte) in interpreter.enumerated() { bytes[0x1800 + index] = byte }
    return bytes
  }

  /// A change to one of the headers.
  func changing(_ index: Int, _ change: (inout Header) -> Void) -> ELFSample {
    var copy = self
    change(&copy.headers[index])
    return copy
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    bytes.append(type, as: UInt16.self)
    bytes.append(62, as: UInt16.self)
    bytes.append(1, as: UInt32.self)
    bytes.append(entry, as: UInt64.self)
    bytes.append(64, as: UInt64.self)
    bytes.append(0, as: UInt64.self)
    bytes.append(0, as: UInt32.self)
    bytes.append(64, as: UInt16.self)
    bytes.append(56, as: UInt16.self)
    bytes.append(UInt16(headers.count), as: UInt16.self)
    bytes += [0, 0, 0, 0, 0, 0]
    for header in headers {
      bytes.append(header.type, as: UInt32.self)
      bytes.append(header.flags, as: UInt32.self)
      bytes.append(header.offset, as: UInt64.self)
      bytes.append(header.address, as: UInt64.self)
      bytes.append(header.address, as: UInt64.self)
      bytes.append(header.fileSize, as: UInt64.self)
      bytes.append(header.memorySize, as: UInt64.self)
      bytes.append(header.alignment, as: UInt64.self)
    }
    while bytes.count < size { bytes.append(UInt8(truncatingIfNeeded: bytes.count)) }
    return bytes
  }
}

/// A program of a few instructions with data, zeros and thread-local storage, as ld.lld 21 linked it
/// (`ld.lld -s --no-rosegment`), up to the end of its last segment.
let linkedProgram: [UInt8] = bytes(
  """
  7f454c4602010100000000000000000002003e0001000000d0012000000000004000000000000000a80200000000000000000000
  40003800070040000a00090006000000040000004000000000000000400020000000000040002000000000008801000000000000
  880100000000000008000000000000000100000005000000000000000000000000002000000000000000200000000000dd010000
  00000000dd0100000000000000100000000000000100000006000000e001000000000000e011200000000000e011200000000000
  0800000000000000200e00000000000000100000000000000100000006000000e801000000000000e821200000000000e8212000
  0000000004000000000000008c1300000000000000100000000000000700000004000000e001000000000000e011200000000000
  e01120000000000008000000000000002800000000000000100000000000000052e5746404000000e001000000000000e0112000
  00000000e0112000000000000800000000000000200e000000000000010000000000000051e57464060000000000000000000000
  0000000000000000000000000000000000000000000000000000000000000000000000000000000007000000000000008b3d1220
  0000b83c0000000f05000000050000000000000003000000
  """)

/// The bytes that hexadecimal digits spell; line ends do not matter.
private func bytes(_ text: String) -> [UInt8] {
  let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
  return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
