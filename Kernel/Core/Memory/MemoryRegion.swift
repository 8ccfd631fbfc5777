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

/// A range of whole pages of an address space that are alike.
public struct MemoryRegion: Equatable, BitwiseCopyable, Sendable {
  /// The first byte's address, a multiple of 4096.
  public var start: UInt64
  /// The address after the last byte, a multiple of 4096 above `start`.
  public var end: UInt64
  /// Which file or shared object is behind the region. Without meaning for private anonymous memory.
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

  /// - Parameters:
  ///   - sourceBytes: nil stands for the whole region, where the kind has a source.
  public init(
    start: UInt64, end: UInt64, protection: MemoryProtection, kind: RegionKind = .anonymousPrivate,
    sourceID: UInt64 = 0, sourceOffset: UInt64 = 0, sourceBytes: UInt64? = nil, growsDown: Bool = false
  ) {
    self.start = start
    self.end = end
    self.protection = protection
    self.kind = kind
    self.growsDown = growsDown
    let length = end > start ? end &- start : 0
    switch kind {
    case .anonymousPrivate:
      self.sourceID = 0
      self.sourceOffset = 0
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
    if kind != .anonymousPrivate { upper.sourceOffset = sourceOffset &+ lowerLength }
    end = address
    sourceBytes = min(sourceBytes, lowerLength)
    return upper
  }

  /// The same region without what its kind gives no meaning to, so that merging need not look at it.
  var normalized: MemoryRegion {
    MemoryRegion(
      start: start, end: end, protection: protection, kind: kind, sourceID: sourceID,
      sourceOffset: sourceOffset, sourceBytes: sourceBytes, growsDown: growsDown)
  }

  /// Whether one region can describe this one and the one that starts at its end.
  func canMerge(with upper: MemoryRegion) -> Bool {
    guard end == upper.start, protection == upper.protection, kind == upper.kind,
      growsDown == upper.growsDown
    else { return false }
    if kind == .anonymousPrivate { return true }
    return sourceID == upper.sourceID && sourceOffset &+ length == upper.sourceOffset
      && (sourceBytes == length || upper.sourceBytes == 0)
  }

  /// Takes in the region above, with which this one can merge.
  mutating func merge(with upper: MemoryRegion) {
    end = upper.end
    sourceBytes &+= upper.sourceBytes
  }
}
