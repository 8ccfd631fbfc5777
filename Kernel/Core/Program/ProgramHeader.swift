/// One entry of the program header table (System V ABI, chapter 5), undigested.
struct ProgramHeader {
  /// The size in bytes of an entry in a 64-bit file.
  static let size = 56

  enum Kind: UInt32 {
    case load = 1
    case interpreter = 3
    case programHeaders = 6
    case threadLocalStorage = 7
    case stack = 0x6474_E551
  }

  let type: UInt32
  let flags: UInt32
  let fileOffset: UInt64
  let virtualAddress: UInt64
  let fileSize: UInt64
  let memorySize: UInt64
  let alignment: UInt64

  var kind: Kind? { Kind(rawValue: type) }
  var isReadable: Bool { flags & 4 != 0 }
  var isWritable: Bool { flags & 2 != 0 }
  var isExecutable: Bool { flags & 1 != 0 }

  /// Reads the entry at the start of `entry`; nil where that is too short.
  init?(_ entry: ByteView) {
    guard let type = entry.integer(at: 0, as: UInt32.self),
      let flags = entry.integer(at: 4, as: UInt32.self),
      let fileOffset = entry.integer(at: 8, as: UInt64.self),
      let virtualAddress = entry.integer(at: 16, as: UInt64.self),
      let fileSize = entry.integer(at: 32, as: UInt64.self),
      let memorySize = entry.integer(at: 40, as: UInt64.self),
      let alignment = entry.integer(at: 48, as: UInt64.self)
    else { return nil }
    self.type = type
    self.flags = flags
    self.fileOffset = fileOffset
    self.virtualAddress = virtualAddress
    self.fileSize = fileSize
    self.memorySize = memorySize
    self.alignment = alignment
  }

  /// The part of the file that the segment is filled from.
  ///
  /// - Parameter wholeSize: the file's size in bytes.
  func contentRange(fileSize wholeSize: Int) throws(ELFError) -> Range<Int> {
    guard let offset = Int(exactly: fileOffset), let size = Int(exactly: fileSize), offset <= wholeSize,
      size <= wholeSize - offset
    else { throw .segmentBeyondEnd }
    return offset..<offset + size
  }

  /// The checks that hold for every segment that gets memory.
  func validateMemory(fileSize wholeSize: Int) throws(ELFError) {
    guard fileSize <= memorySize else { throw .fileSizeAboveMemorySize }
    _ = try contentRange(fileSize: wholeSize)
    let (end, overflow) = virtualAddress.addingReportingOverflow(memorySize)
    guard !overflow, end <= ELFImage.endOfUserMemory else { throw .segmentOutsideUserMemory }
    // 0 and 1 both mean that no alignment is asked for.
    guard alignment & (alignment &- 1) == 0 else { throw .alignmentNotPowerOfTwo }
  }
}
