/// What a program may do with memory. The bits are those of mmap's and mprotect's argument.
public struct MemoryProtection: OptionSet, BitwiseCopyable, Sendable {
  public let rawValue: UInt8
  @inline(__always)
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static var read: MemoryProtection { MemoryProtection(rawValue: 1) }
  public static var write: MemoryProtection { MemoryProtection(rawValue: 2) }
  public static var execute: MemoryProtection { MemoryProtection(rawValue: 4) }
}

/// Where the contents of a region's pages come from, and who sees what is written to them.
public enum RegionKind: UInt8, BitwiseCopyable, Sendable {
  /// Zeros at first; writes are the process's own.
  case anonymousPrivate
  /// Zeros at first; writes are seen by all that map the same source identifier.
  case anonymousShared
  /// The source's bytes at first; writes are the process's own.
  case sourcePrivate
  /// The source's bytes; writes go to the source.
  case sourceShared
}

/// What a program has asked for beside protection.
public struct RegionAttributes: OptionSet, BitwiseCopyable, Sendable {
  public let rawValue: UInt8
  @inline(__always)
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Shared memory of a file that was not opened for writing: mprotect(2) cannot make it writable.
  public static var neverWritable: RegionAttributes { RegionAttributes(rawValue: 1) }
  /// mlock(2)
  public static var locked: RegionAttributes { RegionAttributes(rawValue: 2) }
  /// A child does not get it (madvise(2), MADV_DONTFORK).
  public static var notForked: RegionAttributes { RegionAttributes(rawValue: 4) }
  /// A child gets zeros (madvise(2), MADV_WIPEONFORK).
  public static var wipedOnFork: RegionAttributes { RegionAttributes(rawValue: 8) }
  /// MADV_DONTDUMP
  public static var notDumped: RegionAttributes { RegionAttributes(rawValue: 16) }
  /// A System V shared memory segment (shmat(2)): never merged with its neighbours, since attachments are counted.
  public static var segment: RegionAttributes { RegionAttributes(rawValue: 32) }
}

/// A range of whole pages of an address space that are alike.
public struct MemoryRegion: Equatable, BitwiseCopyable, Sendable {
  /// The first byte's address, a multiple of 4096.
  public var start: UInt64
  /// The address after the last byte, a multiple of 4096 above `start`.
  public var end: UInt64
  /// Which file or shared object is behind the region. For private anonymous memory the file that it is called by
  /// (zero(4)), and mostly 0 for none.
  public var sourceID: UInt64
  /// Where in the source the region starts, in bytes.
  public var sourceOffset: UInt64
  /// How many bytes from the region's start come from the source; what follows them is zeros. So one region
  /// describes an ELF segment whose file size is not a whole number of pages.
  public var sourceBytes: UInt64
  public var protection: MemoryProtection
  public var kind: RegionKind
  /// Whether an access just below extends the region downwards: a stack.
  public var growsDown: Bool
  public var attributes: RegionAttributes
  /// The protection key, 0 to 15 (pkeys(7)).
  public var key: UInt8

  /// - Parameters:
  ///   - sourceBytes: nil stands for the whole region, where the kind has a source.
  public init(
    start: UInt64, end: UInt64, protection: MemoryProtection, kind: RegionKind = .anonymousPrivate,
    sourceID: UInt64 = 0, sourceOffset: UInt64 = 0, sourceBytes: UInt64? = nil, growsDown: Bool = false,
    attributes: RegionAttributes = [], key: UInt8 = 0
  ) {
    self.start = start
    self.end = end
    self.protection = protection
    self.kind = kind
    self.growsDown = growsDown
    self.attributes = attributes
    self.key = key
    let length = end > start ? end &- start : 0
    switch kind {
    case .anonymousPrivate:
      self.sourceID = sourceID
      self.sourceOffset = sourceID == 0 ? 0 : sourceOffset
      self.sourceBytes = 0
    case .anonymousShared:
      self.sourceID = sourceID
      self.sourceOffset = sourceOffset
      self.sourceBytes = 0
    case .sourcePrivate, .sourceShared:
      self.sourceID = sourceID
      self.sourceOffset = sourceOffset
      self.sourceBytes = min(sourceBytes ?? length, length)
    }
  }

  /// The length in bytes.
  @inline(__always)
  public var length: UInt64 { end &- start }

  @inline(__always)
  public func contains(_ address: UInt64) -> Bool { address >= start && address < end }

  /// Whether what is written goes to the source and is seen by all that map it.
  @inline(__always)
  public var isShared: Bool { kind == .anonymousShared || kind == .sourceShared }

  /// Whether there is a source that pages come from.
  @inline(__always)
  public var hasSource: Bool { kind != .anonymousPrivate }

  /// Whether there is a source, be it only the one that the region is called by.
  @inline(__always)
  public var namesSource: Bool { hasSource || sourceID != 0 }

  /// The part of the region that lies in a range; nil where none does.
  public func part(in range: Range<UInt64>) -> MemoryRegion? {
    guard start < range.upperBound, end > range.lowerBound else { return nil }
    var part = self
    if part.start < range.lowerBound { part = part.splitOff(at: range.lowerBound) }
    if part.end > range.upperBound { _ = part.splitOff(at: range.upperBound) }
    return part
  }

  /// The same pages at another address.
  public func moved(to address: UInt64) -> MemoryRegion {
    var moved = self
    moved.start = address
    moved.end = address &+ length
    return moved
  }

  /// The addresses at which a range of the source's pages is mapped; nil where none is.
  ///
  /// - Parameter pages: numbers of pages in the source.
  public func addresses(ofSourcePages pages: Range<UInt64>) -> Range<UInt64>? {
    let first = sourceOffset &>> 12
    let last = first &+ length &>> 12
    let lower = max(pages.lowerBound, first)
    let upper = min(pages.upperBound, last)
    guard lower < upper else { return nil }
    return start &+ (lower &- first) &<< 12..<start &+ (upper &- first) &<< 12
  }

  /// Where in the source a page of the region lies, and how many of its bytes come from there.
  ///
  /// - Parameter page: the address of one of the region's pages.
  public func source(ofPage page: UInt64) -> (offset: UInt64, byteCount: UInt64) {
    let distance = page &- start
    let bytes = sourceBytes > distance ? sourceBytes &- distance : 0
    return (sourceOffset &+ distance, min(bytes, 4096))
  }

  /// Cuts the region at an address inside it: this becomes the lower part, the result is the upper one.
  mutating func splitOff(at address: UInt64) -> MemoryRegion {
    let lowerLength = address &- start
    var upper = self
    upper.start = address
    upper.sourceBytes = sourceBytes > lowerLength ? sourceBytes &- lowerLength : 0
    if namesSource { upper.sourceOffset = sourceOffset &+ lowerLength }
    end = address
    sourceBytes = min(sourceBytes, lowerLength)
    return upper
  }

  /// The same region without what its kind gives no meaning to, so that merging need not look at it.
  var normalized: MemoryRegion {
    MemoryRegion(
      start: start, end: end, protection: protection, kind: kind, sourceID: sourceID,
      sourceOffset: sourceOffset, sourceBytes: sourceBytes, growsDown: growsDown, attributes: attributes,
      key: key)
  }

  /// Whether one region can describe this one and the one that starts at its end.
  func canMerge(with upper: MemoryRegion) -> Bool {
    guard end == upper.start, protection == upper.protection, kind == upper.kind,
      growsDown == upper.growsDown, attributes == upper.attributes, key == upper.key, !attributes.contains(.segment)
    else { return false }
    if !namesSource, !upper.namesSource { return true }
    return sourceID == upper.sourceID && sourceOffset &+ length == upper.sourceOffset
      && (sourceBytes == length || upper.sourceBytes == 0)
  }

  /// Takes in the region above, with which this one can merge.
  mutating func merge(with upper: MemoryRegion) {
    end = upper.end
    sourceBytes &+= upper.sourceBytes
  }
}
