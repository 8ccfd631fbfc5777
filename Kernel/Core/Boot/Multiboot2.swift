/// What a multiboot2 loader tells the kernel (Multiboot2 specification 2.0, section 3.6).
///
/// The structure is a size and then tags, each with a type, a size, and padding up to eight bytes. It is
/// validated as a whole when it is opened; after that its parts are there or nil, and nothing throws.
public struct Multiboot2Information: Sendable {
  /// A file that the loader put into memory.
  public struct Module: Sendable {
    /// The physical address of the first byte.
    public let start: UInt64
    /// The physical address after the last byte.
    public let end: UInt64
    /// The words that follow the file's name in the loader's configuration.
    public let name: ByteView
  }

  /// The boot line, without the NUL.
  public private(set) var commandLine: ByteView?
  /// The loader's name and version, without the NUL.
  public private(set) var bootLoaderName: ByteView?
  /// The ACPI root pointer that the loader copied: that of ACPI 2.0 where there are both.
  public private(set) var rsdp: ByteView?

  /// The tags, from the first up to the end tag.
  private let tags: ByteView
  private var memoryMap: ByteView?

  /// What `total_size` says, so that a caller who has only an address can tell how much to map.
  ///
  /// - Parameter header: at least the first eight bytes of the structure.
  public static func totalSize(of header: ByteView) throws(Multiboot2Error) -> Int {
    guard header.count >= headerSize, let size = header.integer(at: 0, as: UInt32.self) else {
      throw .truncatedHeader
    }
    return Int(size)
  }

  /// Opens the structure and validates every tag that the kernel reads.
  ///
  /// - Parameter memory: begins with the structure, and may be larger.
  public init(_ memory: ByteView) throws(Multiboot2Error) {
    let totalSize = try Self.totalSize(of: memory)
    guard totalSize >= headerSize + tagHeaderSize else { throw .totalSizeTooSmall }
    guard let tags = memory.slice(at: headerSize, count: totalSize - headerSize) else {
      throw .totalSizeBeyondMemory
    }
    self.tags = tags
    var walk = TagWalk(tags)
    var rsdpOfVersion1: ByteView?
    while let tag = try walk.next() {
      switch tag.type {
      case 1: keepFirst(try text(tag.content), in: &commandLine)
      case 2: keepFirst(try text(tag.content), in: &bootLoaderName)
      case 3: _ = try Module(tag.content)
      case 6: keepFirst(try validMemoryMap(tag.content), in: &memoryMap)
      case 14: keepFirst(try rootPointer(tag.content, size: RSDP.sizeOfVersion1), in: &rsdpOfVersion1)
      case 15: keepFirst(try rootPointer(tag.content, size: RSDP.sizeOfVersion2), in: &rsdp)
      default: break
      }
    }
    rsdp = rsdp ?? rsdpOfVersion1
  }

  /// Calls `body` with each module, in the order of the loader's configuration.
  public func forEachModule(_ body: (Module) -> Void) {
    var walk = TagWalk(tags)
    // Nothing throws here, since `init` walked over the same tags.
    while let tag = try? walk.next() {
      if tag.type == 3, let module = try? Module(tag.content) { body(module) }
    }
  }

  /// Calls `body` with each region of the memory map, in the firmware's order: they may be unsorted, and may
  /// overlap. Empty ones are left out.
  public func forEachMemoryRegion(_ body: (PhysicalRegion) -> Void) {
    guard let memoryMap, let entrySize = memoryMap.integer(at: 0, as: UInt32.self) else { return }
    var offset = memoryMapHeaderSize
    while let region = memoryMap.memoryRegion(at: offset) {
      if region.length > 0 { body(region) }
      offset += Int(entrySize)
    }
  }
}

private let headerSize = 8
private let tagHeaderSize = 8
private let memoryMapHeaderSize = 8
private let memoryMapEntrySize = 24

/// Goes from tag to tag up to the end tag, checking the sizes.
private struct TagWalk {
  private let tags: ByteView
  private var offset = 0

  init(_ tags: ByteView) {
    self.tags = tags
  }

  mutating func next() throws(Multiboot2Error) -> (type: UInt32, content: ByteView)? {
    guard let type = tags.integer(at: offset, as: UInt32.self),
      let size = tags.integer(at: offset + 4, as: UInt32.self)
    else { throw .missingEndTag }
    guard size >= tagHeaderSize else { throw .tagTooSmall }
    guard let content = tags.slice(at: offset + tagHeaderSize, count: Int(size) - tagHeaderSize) else {
      throw .tagBeyondEnd
    }
    if type == 0 {
      guard content.isEmpty else { throw .endTagTooLarge }
      return nil
    }
    // Cannot overflow: offset and size are both below 2^32.
    offset = (offset + Int(size) + 7) & ~7
    return (type, content)
  }
}

/// Of several tags of one type, the first counts.
private func keepFirst(_ view: ByteView, in place: inout ByteView?) {
  if place == nil { place = view }
}

private func text(_ content: ByteView) throws(Multiboot2Error) -> ByteView {
  guard let text = content.cString(at: 0) else { throw .unterminatedText }
  return text
}

private func rootPointer(_ content: ByteView, size: Int) throws(Multiboot2Error) -> ByteView {
  guard content.count >= size else { throw .rsdpTagTooSmall }
  return content
}

private func validMemoryMap(_ content: ByteView) throws(Multiboot2Error) -> ByteView {
  guard let entrySize = content.integer(at: 0, as: UInt32.self), content.count >= memoryMapHeaderSize else {
    throw .memoryMapTagTooSmall
  }
  guard entrySize >= memoryMapEntrySize else { throw .memoryMapEntryTooSmall }
  guard (content.count - memoryMapHeaderSize) % Int(entrySize) == 0 else { throw .memoryMapEntryCutOff }
  var offset = memoryMapHeaderSize
  while let region = content.memoryRegion(at: offset) {
    // A region may end exactly at 2^64.
    guard region.length == 0 || !region.base.addingReportingOverflow(region.length - 1).overflow else {
      throw .memoryRegionOverflows
    }
    offset += Int(entrySize)
  }
  return content
}

extension ByteView {
  fileprivate func memoryRegion(at offset: Int) -> PhysicalRegion? {
    guard let base = integer(at: offset, as: UInt64.self),
      let length = integer(at: offset + 8, as: UInt64.self),
      let type = integer(at: offset + 16, as: UInt32.self)
    else { return nil }
    return PhysicalRegion(base: base, length: length, kind: PhysicalRegion.Kind(multibootType: type))
  }
}

extension Multiboot2Information.Module {
  fileprivate init(_ content: ByteView) throws(Multiboot2Error) {
    guard let start = content.integer(at: 0, as: UInt32.self),
      let end = content.integer(at: 4, as: UInt32.self)
    else { throw .moduleTagTooSmall }
    guard end >= start else { throw .moduleEndsBeforeStart }
    guard let name = content.cString(at: 8) else { throw .unterminatedText }
    self.init(start: UInt64(start), end: UInt64(end), name: name)
  }
}
