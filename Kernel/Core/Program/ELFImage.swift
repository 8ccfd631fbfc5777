/// A program file in the ELF format for x86-64, validated (System V ABI, chapters 4 and 5, and its AMD64
/// supplement).
///
/// All that a loader relies on is checked when the image is opened: after that, `segment(at:)` gives parts
/// that are in the file, in user memory, in ascending order, and that share no page.
public struct ELFImage: Sendable {
  public enum Kind: UInt8, Sendable {
    /// Linked to fixed addresses.
    case executable
    /// Position-independent: a static-pie program, or an interpreter.
    case sharedObject
  }

  /// The end of what a program may occupy: the last page of the lower half stays unmapped, since a SYSRET
  /// to the non-canonical address after it would fault in the kernel.
  public static let endOfUserMemory: UInt64 = 0x7FFF_FFFF_F000
  /// No executable may be below, so that a null pointer with a small offset always faults.
  public static let lowestAddress: UInt64 = 0x1_0000
  public static let pageSize: UInt64 = 4096
  /// The size in bytes of the ELF header.
  public static let headerSize = 64
  /// As many program headers as fit into a page.
  public static let largestProgramHeaderCount = 4096 / ProgramHeader.size
  /// In bytes, with the NUL.
  public static let largestInterpreterLength = 4096

  public let type: Kind
  /// Where the program starts, relative to the load address for a shared object. In an executable segment.
  public let entry: UInt64
  /// Where the program headers are in the file, in bytes.
  public let programHeaderOffset: Int
  public let programHeaderCount: Int
  /// The size in bytes of one program header.
  public var programHeaderEntrySize: Int { ProgramHeader.size }
  /// Where the program headers are in memory, which a program's start-up code wants to know (AT_PHDR);
  /// nil where no segment loads them.
  public private(set) var programHeaderAddress: UInt64?
  /// The path of the program that is to load this one, without the NUL; nil also where it lies beyond the
  /// bytes at hand, which `interpreterRange` tells.
  public private(set) var interpreter: ByteView?
  /// Where in the file that path stands, NUL included.
  public private(set) var interpreterRange: Range<Int>?
  public private(set) var threadLocalStorage: ThreadLocalStorage?
  /// Whether the program asks for a stack that instructions are fetched from.
  public private(set) var stackExecutable = false
  /// How many load segments there are, empty ones not counted.
  public private(set) var segmentCount = 0

  private let file: ByteView
  private let fileSize: Int

  /// Validates the whole file's headers.
  ///
  /// - Parameters:
  ///   - file: the file, or its first bytes with all program headers.
  ///   - fileSize: the whole file's size in bytes; nil where `file` is all of it.
  public init(_ file: ByteView, fileSize: Int? = nil) throws(ELFError) {
    let header = try ELFHeader(file)
    self.file = file
    self.fileSize = fileSize ?? file.count
    type = header.type
    entry = header.entry
    programHeaderOffset = header.programHeaderOffset
    programHeaderCount = header.programHeaderCount
    try validateLoadSegments()
    try readOtherHeaders()
    guard let segment = firstSegment(where: { $0.contains(header.entry) }), segment.executable else {
      throw .entryNotExecutable
    }
  }

  /// The load segment at `index`, in ascending order of addresses; nil beyond the last one.
  public func segment(at index: Int) -> LoadSegment? {
    var remaining = index
    return firstSegment { _ in
      remaining -= 1
      return remaining < 0
    }
  }

  /// How many of a file's first bytes an image needs: up to the end of its program headers. 0 for what is no
  /// ELF file.
  public static func neededBytes(_ start: ByteView) -> Int {
    guard start.hasPrefix("\u{7F}ELF"), let offset = start.integer(at: 32, as: UInt64.self),
      let count = start.integer(at: 56, as: UInt16.self), offset <= 1 << 40
    else { return 0 }
    return Int(offset) + Int(count) * ProgramHeader.size
  }

  /// What the load segments occupy, from the first one's start to the last one's end; nil where there are
  /// none.
  public var span: Range<UInt64>? {
    guard let first = segment(at: 0), let last = segment(at: segmentCount - 1) else { return nil }
    return first.virtualAddress..<last.end
  }

  /// The largest alignment that a load segment asks for, in bytes; at least a page.
  public var alignment: UInt64 {
    var largest = Self.pageSize
    var index = 0
    while let segment = segment(at: index) {
      largest = max(largest, segment.alignment)
      index += 1
    }
    return largest
  }

  /// The segment's bytes in the file.
  public func content(of segment: LoadSegment) -> ByteView? {
    guard let offset = Int(exactly: segment.fileOffset), let size = Int(exactly: segment.fileSize) else {
      return nil
    }
    return file.slice(at: offset, count: size)
  }

  private func firstSegment(where predicate: (LoadSegment) -> Bool) -> LoadSegment? {
    var index = 0
    while let header = programHeader(at: index) {
      index += 1
      guard header.kind == .load, header.memorySize > 0 else { continue }
      let segment = LoadSegment(header)
      if predicate(segment) { return segment }
    }
    return nil
  }

  private func programHeader(at index: Int) -> ProgramHeader? {
    guard index >= 0, index < programHeaderCount else { return nil }
    let offset = programHeaderOffset + index * ProgramHeader.size
    return file.slice(at: offset, count: ProgramHeader.size).flatMap { ProgramHeader($0) }
  }
}

extension ELFImage {
  private mutating func validateLoadSegments() throws(ELFError) {
    var previous: LoadSegment?
    var index = 0
    while let header = programHeader(at: index) {
      index += 1
      guard header.kind == .load else { continue }
      try header.validateMemory(fileSize: fileSize)
      guard header.virtualAddress % Self.pageSize == header.fileOffset % Self.pageSize else {
        throw .offsetNotCongruent
      }
      if header.memorySize == 0 { continue }
      let segment = LoadSegment(header)
      guard type == .sharedObject || segment.virtualAddress >= Self.lowestAddress else {
        throw .segmentBelowLowestAddress
      }
      if let previous { try Self.validateOrder(previous, segment) }
      previous = segment
      segmentCount += 1
    }
    guard segmentCount > 0 else { throw .noLoadSegment }
  }

  /// Two segments on one page could not each have the permissions that they ask for.
  private static func validateOrder(_ first: LoadSegment, _ second: LoadSegment) throws(ELFError) {
    guard second.virtualAddress >= first.virtualAddress else { throw .segmentsOutOfOrder }
    guard second.virtualAddress >= first.end else { throw .segmentsOverlap }
    guard second.virtualAddress / pageSize > (first.end - 1) / pageSize else { throw .segmentsShareAPage }
  }

  /// Reads what is not loaded. Of several headers of one kind, the first counts.
  private mutating func readOtherHeaders() throws(ELFError) {
    var index = 0
    while let header = programHeader(at: index) {
      index += 1
      switch header.kind {
      case .interpreter where interpreter == nil:
        try readInterpreter(header)
      case .threadLocalStorage where threadLocalStorage == nil:
        try header.validateMemory(fileSize: fileSize)
        threadLocalStorage = ThreadLocalStorage(header)
      case .programHeaders where programHeaderAddress == nil:
        programHeaderAddress = loadedAddress(ofTableAt: header)
      case .stack:
        stackExecutable = header.isExecutable
      default: break
      }
    }
    programHeaderAddress = programHeaderAddress ?? addressOfTableByOffset()
  }

  private mutating func readInterpreter(_ header: ProgramHeader) throws(ELFError) {
    let range = try header.contentRange(fileSize: fileSize)
    guard range.count >= 2, range.count <= Self.largestInterpreterLength else { throw .interpreterLength }
    interpreterRange = range
    guard let content = file.slice(at: range.lowerBound, count: range.count) else { return }
    interpreter = try Self.interpreterPath(content)
  }

  /// The path that an interpreter's bytes hold.
  public static func interpreterPath(_ content: ByteView) throws(ELFError) -> ByteView {
    guard content.count >= 2, content.count <= Self.largestInterpreterLength, content[0] != 0 else {
      throw .interpreterLength
    }
    guard let path = content.cString(at: 0), path.count == content.count - 1 else {
      throw .interpreterNotTerminated
    }
    return path
  }

  /// The address that PT_PHDR states, provided that the table is really loaded there.
  private func loadedAddress(ofTableAt header: ProgramHeader) -> UInt64? {
    let found = addressOfTableByOffset()
    return found == header.virtualAddress ? found : nil
  }

  /// The address at which a segment loads the program headers.
  private func addressOfTableByOffset() -> UInt64? {
    let start = UInt64(programHeaderOffset)
    let size = UInt64(programHeaderCount * ProgramHeader.size)
    let segment = firstSegment {
      start >= $0.fileOffset && start - $0.fileOffset <= $0.fileSize
        && size <= $0.fileSize - (start - $0.fileOffset)
    }
    return segment.map { $0.virtualAddress + (start - $0.fileOffset) }
  }
}
