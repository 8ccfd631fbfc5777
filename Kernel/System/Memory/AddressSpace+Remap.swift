import Core
import Machine

/// Memory that changes its size or its place (mremap(2)).
extension AddressSpace {
  /// What a program asks for. Addresses and sizes are whole pages.
  struct Remapping {
    var old: Range<UInt64>
    var newSize: UInt64
    /// Whether the memory may move.
    var mayMove = false
    /// Where it has to go; what is mapped there makes room.
    var target: UInt64?
    /// Where the program would like it, if there is no target; 0 for no wish.
    var wish: UInt64 = 0
    /// Whether the old range stays mapped, without its pages (MREMAP_DONTUNMAP).
    var keepsOld = false
  }

  /// - Returns: the address afterwards, and the range that is to be populated since it is locked.
  func remap(
    _ request: Remapping, _ limits: MemoryLimits
  ) throws(Failure) -> (address: UInt64, locked: Range<UInt64>?) {
    try withLock { () throws(Failure) in
      let start = request.old.lowerBound
      guard var region = regions.find(start) else { throw .badAddress }
      if request.target == nil, !request.keepsOld, request.newSize <= request.old.count64, !request.old.isEmpty {
        if request.newSize < request.old.count64 {
          try unmapLocked(start + request.newSize..<request.old.upperBound)
        }
        return (start, nil)
      }
      // Memory of size 0 asks for a second mapping of what is shared.
      if request.old.isEmpty, !region.isShared { throw .invalid }
      let copied = min(request.old.count64, request.newSize)
      guard request.old.upperBound <= region.end else { throw .badAddress }
      let growth = request.newSize > request.old.count64 ? request.newSize - request.old.count64 : 0
      if growth > 0 {
        if region.hasSource {
          let offset = region.sourceOffset + (start - region.start)
          if offset.addingReportingOverflow(request.newSize).overflow { throw .invalid }
        }
        if region.attributes.contains(.locked) { try checkLocked(adding: growth, limits.locked, error: .tryAgain) }
        if !region.isShared, !Self.isPlausible(growth) { throw .outOfMemory }
      }
      // What stays at the old place counts besides.
      let added = request.keepsOld ? request.newSize : growth
      if added > 0 {
        guard added <= limits.all, regions.mappedBytes <= limits.all - added else { throw .outOfMemory }
        if limits.data != .max, region.isData {
          guard added <= limits.data, dataBytes(in: regions.bounds) <= limits.data - added else { throw .outOfMemory }
        }
      }
      let isLocked = region.attributes.contains(.locked)

      if request.target == nil, !request.keepsOld, request.old.upperBound == region.end, !request.old.isEmpty {
        let added = region.end..<start + request.newSize
        if added.upperBound <= UserMemory.limit, added.upperBound > start, regions.isFree(added) {
          let grown = Self.grown(region, over: added)
          if region.attributes.contains(.segment), let source = source(of: region) {
            // Still one attachment.
            try addMapping(of: source, bytes: grown.length, writableBytes: grown.sharedWritableBytes)
            regions.extend(regionAt: region.start, to: added.upperBound)
          } else {
            try insert(grown, of: source(of: region), replacing: false)
          }
          return (start, isLocked ? added : nil)
        }
      }
      guard request.mayMove else { throw .outOfMemory }
      let address: UInt64
      if let target = request.target {
        address = target
        let range = target..<target + request.newSize
        guard range.lowerBound >= Self.lowestAddress else { throw .notPermitted }
        if !regions.isFree(range) {
          try unmapLocked(range)
          // Memory of size 0 may lie where it is to go.
          guard let left = regions.find(start), request.old.upperBound <= left.end else { throw .badAddress }
          region = left
        }
      } else {
        address = try findPlace(size: request.newSize, hint: request.wish)
      }
      // What is cut off at the old place goes first.
      if request.newSize < request.old.count64 {
        try unmapLocked(start + request.newSize..<request.old.upperBound)
      }
      try move(start..<start + copied, of: region, to: address, newSize: request.newSize, request)
      return (address, isLocked ? address..<address + request.newSize : nil)
    }
  }

  /// What a region maps, for another one of the same.
  func source(of region: MemoryRegion) -> MappedSource? {
    mapping(of: region).map { MappedSource(store: $0.store, file: $0.file) }
  }

  /// A region that continues another one behind its end.
  private static func grown(_ region: MemoryRegion, over range: Range<UInt64>) -> MemoryRegion {
    var added = region
    added.start = range.lowerBound
    added.end = range.upperBound
    if region.namesSource { added.sourceOffset = region.sourceOffset + region.length }
    added.sourceBytes = region.sourceBytes == region.length ? added.length : 0
    if region.kind == .anonymousShared { added.sourceBytes = 0 }
    return added
  }

  private func move(
    _ old: Range<UInt64>, of region: MemoryRegion, to address: UInt64, newSize: UInt64, _ request: Remapping
  ) throws(Failure) {
    var moved: MemoryRegion
    if let part = region.part(in: old) {
      moved = part.moved(to: address)
      if newSize > moved.length {
        let wasWhole = moved.sourceBytes == moved.length
        moved.end = address + newSize
        if wasWhole { moved.sourceBytes = moved.length }
      }
    } else {
      // Of size 0: the same part of the source again.
      var rest = region.part(in: request.old.lowerBound..<region.end) ?? region
      rest = rest.moved(to: address)
      rest.end = address + newSize
      if rest.kind == .sourceShared { rest.sourceBytes = newSize }
      moved = rest
    }
    // The tables first, so that nothing fails half-way.
    var isComplete = true
    let distance = address &- old.lowerBound
    table.forEachEntry(in: old) { page, _ in
      if isComplete, table.makeEntry(for: page &+ distance, user: true, allocateTable: allocateTable) == nil {
        isComplete = false
      }
    }
    guard isComplete else { throw .outOfMemory }
    try insert(moved, of: source(of: region), replacing: false)
    var hasPages = false
    table.forEachEntry(in: old) { page, entry in
      hasPages = true
      table.entry(for: page &+ distance).unsafelyUnwrapped.pointee = entry.pointee
      entry.pointee = .absent
    }
    if hasPages { TLBShootdown.flush(root: root) }
    if !request.keepsOld, !old.isEmpty { try unmapLocked(old) }
  }
}

extension Range<UInt64> {
  /// The length, which as an `Int` need not fit.
  @inline(__always)
  var count64: UInt64 { upperBound &- lowerBound }
}
