/// What is mapped where in an address space: its regions, sorted, without overlaps, and merged as far as
/// they can be.
///
/// The regions lie in an array that the caller provides, so that the map never allocates and running out of
/// memory stays the caller's decision. Whatever changes the map needs at most `slotsPerChange` entries more
/// than before: where `needsStorage` says so, give it a larger array with `replaceStorage` first, or the
/// change is refused as a whole. A lookup is a binary search; a change moves the entries above it.
///
/// The value is a handle to the array: use one copy. The caller provides the lock.
public struct RegionMap {
  /// How many entries one change may add: cutting a hole adds one, filling it with something else another.
  public static var slotsPerChange: Int { 2 }
  /// Bytes that are kept free below a region that grows down, so that a stack that overflows does not run
  /// into other memory unnoticed.
  public static var stackGuardSizeInBytes: UInt64 { 256 * 4096 }

  /// The addresses that may be mapped.
  public let bounds: Range<UInt64>
  /// How many regions there may be before mapping more is refused.
  public let maximumCount: Int
  /// The number of regions.
  public private(set) var count: Int
  /// The sum of their lengths, in bytes.
  public private(set) var mappedBytes: UInt64

  private var storage: UnsafeMutableBufferPointer<MemoryRegion>

  /// An empty map.
  ///
  /// - Parameters:
  ///   - storage: room for regions; may be empty at first.
  ///   - bounds: the addresses that may be mapped, multiples of 4096.
  ///   - maximumCount: how many regions there may be.
  public init(
    storage: UnsafeMutableBufferPointer<MemoryRegion>, bounds: Range<UInt64>, maximumCount: Int = 65_530
  ) {
    self.storage = storage
    self.bounds = bounds
    self.maximumCount = maximumCount
    count = 0
    mappedBytes = 0
  }

  // MARK: Storage

  /// How many regions the array has room for.
  public var capacity: Int { storage.count }

  /// Whether a change may need more room than there is.
  @inline(__always)
  public var needsStorage: Bool { storage.count &- count < Self.slotsPerChange }

  /// Moves the regions to another array.
  ///
  /// - Returns: the array that is not used any more, for the caller to free; the new one if it is too small.
  public mutating func replaceStorage(
    with new: UnsafeMutableBufferPointer<MemoryRegion>
  ) -> UnsafeMutableBufferPointer<MemoryRegion> {
    guard new.count >= count else { return new }
    let old = storage
    for index in 0..<count { new[index] = old[index] }
    storage = new
    return old
  }

  /// A map of the same regions in an array of its own, for a forked process; nil if that is too small.
  public func copy(into new: UnsafeMutableBufferPointer<MemoryRegion>) -> RegionMap? {
    guard new.count >= count else { return nil }
    var copied = self
    _ = copied.replaceStorage(with: new)
    return copied
  }

  // MARK: Looking

  /// A region by its place in ascending order, from 0 to `count` - 1; nil beyond.
  public subscript(index: Int) -> MemoryRegion? {
    index >= 0 && index < count ? storage[index] : nil
  }

  /// The region that an address lies in.
  public func find(_ address: UInt64) -> MemoryRegion? {
    let index = firstIndex(endingAfter: address)
    guard index < count, storage[index].start <= address else { return nil }
    return storage[index]
  }

  /// The place of the first region that ends above an address; `count` if there is none. From there on,
  /// a walk by index sees all that is mapped from the address up.
  public func firstIndex(endingAfter address: UInt64) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low &+ high) &>> 1
      if storage[middle].end > address { high = middle } else { low = middle &+ 1 }
    }
    return low
  }

  /// Whether nothing is mapped in a range.
  public func isFree(_ range: Range<UInt64>) -> Bool {
    let index = firstIndex(endingAfter: range.lowerBound)
    return index == count || storage[index].start >= range.upperBound
  }

  // MARK: Changing

  /// Maps a region.
  ///
  /// - Parameters:
  ///   - placement: what to do where something is mapped there.
  ///   - removed: told of each piece that made room.
  public mutating func insert(
    _ region: MemoryRegion, placement: RegionPlacement = .onlyIfFree,
    removed: (MemoryRegion) -> Void = { _ in }
  ) throws(RegionMapError) {
    guard region.start < region.end else { throw .empty }
    let range = region.start..<region.end
    try check(range)
    guard !region.sourceOffset.addingReportingOverflow(region.length).overflow else {
      throw .sourceOverflow
    }
    guard count < maximumCount else { throw .tooManyRegions }
    if !isFree(range) {
      guard placement == .replacing else { throw .overlap }
      cut(range, removed: removed)
    }
    let index = firstIndex(endingAfter: region.start)
    open(at: index)
    storage[index] = region.normalized
    mappedBytes &+= region.length
    mergeNeighbors(from: index, through: index)
  }

  /// Unmaps whatever is mapped in a range.
  ///
  /// - Parameter removed: told of each piece, in ascending order.
  public mutating func remove(
    _ range: Range<UInt64>, removed: (MemoryRegion) -> Void = { _ in }
  ) throws(RegionMapError) {
    guard !range.isEmpty else { throw .empty }
    try check(range)
    if count >= maximumCount {
      let first = firstIndex(endingAfter: range.lowerBound)
      let isHole =
        first < count && storage[first].start < range.lowerBound && storage[first].end > range.upperBound
      guard !isHole else { throw .tooManyRegions }
    }
    cut(range, removed: removed)
  }

  /// Unmaps all regions that `condition` holds for, in one pass.
  ///
  /// - Parameter removed: told of each, in ascending order.
  public mutating func removeAll(where condition: (MemoryRegion) -> Bool, removed: (MemoryRegion) -> Void) {
    var kept = 0
    for index in 0..<count {
      let region = storage[index]
      if condition(region) {
        mappedBytes &-= region.length
        removed(region)
      } else {
        storage[kept] = region
        kept &+= 1
      }
    }
    count = kept
  }

  /// Changes what may be done with the memory in a range, all of which must be mapped.
  ///
  /// - Parameter changed: told of each piece whose protection differs from before, as it is now, and of what
  ///   it was before.
  public mutating func protect(
    _ range: Range<UInt64>, _ protection: MemoryProtection,
    changed: (_ piece: MemoryRegion, _ before: MemoryProtection) -> Void = { _, _ in }
  ) throws(RegionMapError) {
    guard isCovered(range) else {
      try check(range)
      throw .notMapped
    }
    try change(range) { region in
      let before = region.protection
      region.protection = protection
      if before != protection { changed(region, before) }
    }
  }

  /// Changes the properties of what is mapped in a range; what is not mapped there is passed over.
  ///
  /// - Parameter body: gets each piece in ascending order, and leaves its addresses and its source as they
  ///   are.
  public mutating func change(
    _ range: Range<UInt64>, _ body: (inout MemoryRegion) -> Void
  ) throws(RegionMapError) {
    guard !range.isEmpty else { throw .empty }
    try check(range)
    guard count < maximumCount || (isBoundary(range.lowerBound) && isBoundary(range.upperBound)) else {
      throw .tooManyRegions
    }
    split(at: range.lowerBound)
    split(at: range.upperBound)
    let first = firstIndex(endingAfter: range.lowerBound)
    var index = first
    while index < count, storage[index].start < range.upperBound {
      body(&storage[index])
      index &+= 1
    }
    if index > first { mergeNeighbors(from: first, through: index &- 1) }
  }

  /// Whether all of a range is mapped.
  public func isCovered(_ range: Range<UInt64>) -> Bool { coveredEnd(of: range) == range.upperBound }

  /// How far a range is mapped from its start on: its end, or the first address of it that is not mapped.
  public func coveredEnd(of range: Range<UInt64>) -> UInt64 {
    var index = firstIndex(endingAfter: range.lowerBound)
    var covered = range.lowerBound
    while covered < range.upperBound {
      guard index < count, storage[index].start <= covered else { return covered }
      covered = storage[index].end
      index &+= 1
    }
    return range.upperBound
  }

  /// Extends the stack above an address down to the address's page, where an access to it asks for that.
  ///
  /// - Parameters:
  ///   - address: what was accessed, in no region.
  ///   - maximumLength: how long the stack may become, in bytes.
  /// - Returns: the region as it is now.
  public mutating func growDown(
    to address: UInt64, maximumLength: UInt64
  ) throws(RegionMapError) -> MemoryRegion {
    let index = firstIndex(endingAfter: address)
    let start = UserAddress.pageStart(of: address)
    guard index < count, storage[index].start > address, storage[index].growsDown,
      storage[index].kind == .anonymousPrivate, bounds.contains(start),
      storage[index].end &- start <= maximumLength
    else { throw .notMapped }
    // What nobody can touch is a guard already.
    if index > 0, !storage[index &- 1].growsDown, !storage[index &- 1].protection.isEmpty {
      guard start &- storage[index &- 1].end >= Self.stackGuardSizeInBytes else { throw .notMapped }
    } else if index > 0, storage[index &- 1].growsDown {
      guard start > storage[index &- 1].end else { throw .notMapped }
    }
    mappedBytes &+= storage[index].start &- start
    storage[index].start = start
    return storage[index]
  }

  /// Makes a region longer, as one of its kind continues it: for those that do not merge. What follows it is free.
  ///
  /// - Parameters:
  ///   - address: one that lies in the region.
  ///   - end: a multiple of 4096 within the bounds, above the region's end.
  public mutating func extend(regionAt address: UInt64, to end: UInt64) {
    let index = firstIndex(endingAfter: address)
    guard index < count, storage[index].start <= address, storage[index].end < end, end <= bounds.upperBound,
      isFree(storage[index].end..<end)
    else { return }
    let added = end &- storage[index].end
    if storage[index].sourceBytes == storage[index].length { storage[index].sourceBytes &+= added }
    storage[index].end = end
    mappedBytes &+= added
  }

  // MARK: Pieces

  private func check(_ range: Range<UInt64>) throws(RegionMapError) {
    guard (range.lowerBound | range.upperBound) & 4095 == 0 else { throw .misaligned }
    guard range.lowerBound >= bounds.lowerBound, range.upperBound <= bounds.upperBound else {
      throw .outOfBounds
    }
    guard !needsStorage else { throw .needsStorage }
  }

  /// Whether no region extends across an address.
  private func isBoundary(_ address: UInt64) -> Bool {
    let index = firstIndex(endingAfter: address)
    return index == count || storage[index].start >= address
  }

  /// Makes an address a boundary between regions. Adds at most one entry.
  private mutating func split(at address: UInt64) {
    let index = firstIndex(endingAfter: address)
    guard index < count, storage[index].start < address else { return }
    let upper = storage[index].splitOff(at: address)
    open(at: index &+ 1)
    storage[index &+ 1] = upper
  }

  /// Removes what is in a range. Adds at most one entry in all: two cuts in one region remove its middle.
  private mutating func cut(_ range: Range<UInt64>, removed: (MemoryRegion) -> Void) {
    split(at: range.lowerBound)
    split(at: range.upperBound)
    let first = firstIndex(endingAfter: range.lowerBound)
    var end = first
    while end < count, storage[end].start < range.upperBound {
      mappedBytes &-= storage[end].length
      removed(storage[end])
      end &+= 1
    }
    close(first..<end)
  }

  /// Merges the entries of a range of places with each other and with those on either side.
  private mutating func mergeNeighbors(from first: Int, through last: Int) {
    var kept = max(first &- 1, 0)
    let end = min(last &+ 1, count &- 1)
    var next = kept &+ 1
    while next <= end {
      if storage[kept].canMerge(with: storage[next]) {
        storage[kept].merge(with: storage[next])
      } else {
        kept &+= 1
        storage[kept] = storage[next]
      }
      next &+= 1
    }
    if kept < end { close(kept &+ 1..<end &+ 1) }
  }

  /// Makes room for one entry.
  private mutating func open(at index: Int) {
    var place = count
    while place > index {
      storage[place] = storage[place &- 1]
      place &-= 1
    }
    count &+= 1
  }

  /// Closes the gap that entries leave.
  private mutating func close(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    var place = range.upperBound
    while place < count {
      storage[place &- range.count] = storage[place]
      place &+= 1
    }
    count &-= range.count
  }
}
