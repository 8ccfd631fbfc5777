import Core
import Machine

/// What programs tell of their use of memory, and what they ask about it.
extension AddressSpace {
  /// Gives back the pages of a range: private memory starts anew from zeros or the file, shared memory keeps
  /// its contents (madvise(2), MADV_DONTNEED).
  ///
  /// - Parameter isAnonymousOnly: whether other memory than private anonymous is refused (MADV_FREE).
  /// - Returns: whether all of the range is mapped.
  func discard(_ range: Range<UInt64>, isAnonymousOnly: Bool = false) throws(Failure) -> Bool {
    try withLock { () throws(Failure) in
      // What comes before a part that is refused has been given back by then.
      var end = range.upperBound
      forEachPart(in: range) { part in
        guard part.attributes.contains(.locked) || isAnonymousOnly && part.hasSource else { return }
        end = min(end, max(part.start, range.lowerBound))
      }
      if end > range.lowerBound { removePages(range.lowerBound..<end) }
      if end < range.upperBound { throw .invalid }
      return regions.isCovered(range)
    }
  }

  /// Punches holes into the stores that a range maps (MADV_REMOVE).
  func removeFromStores(_ range: Range<UInt64>) throws(Failure) -> Bool {
    var address = range.lowerBound
    var isCovered = true
    while address < range.upperBound {
      // There may be as many regions as a space can have, and each store may be mapped as often.
      if Scheduler.current.isBeingKilled { throw .interrupted }
      lock.acquire()
      guard let region = regions[regions.firstIndex(endingAfter: address)],
        let part = region.part(in: address..<range.upperBound)
      else {
        lock.release()
        return false
      }
      var failure: Errno? = nil
      if part.attributes.contains(.locked) || !part.hasSource {
        failure = .invalid
      } else if !part.isShared || part.attributes.contains(.neverWritable) {
        failure = .access
      }
      let source = source(of: part)
      lock.release()
      if let failure { throw failure }
      if part.start > address { isCovered = false }
      let bytes = part.sourceOffset..<part.sourceOffset + part.length
      // A file has seals and times; of a segment of shared memory the store is all there is.
      if let file = source?.file, file.node.pages != nil {
        try file.node.allocate(bytes, .punchHole)
      } else {
        source?.store.punchHole(bytes)
      }
      address = part.end
    }
    return isCovered
  }

  /// Whether all of a range is mapped, and whether any of it is locked.
  func look(at range: Range<UInt64>) -> (isCovered: Bool, isLocked: Bool) {
    lock.withLock {
      var isLocked = false
      forEachPart(in: range) { if $0.attributes.contains(.locked) { isLocked = true } }
      return (regions.isCovered(range), isLocked)
    }
  }

  /// Whether every part of a range is private anonymous memory.
  func isPrivateAnonymous(_ range: Range<UInt64>) -> Bool {
    lock.withLock {
      var isPrivate = true
      forEachPart(in: range) { if $0.namesSource { isPrivate = false } }
      return isPrivate
    }
  }

  /// Which pages of a range are in memory (mincore(2)), a byte each.
  ///
  /// - Returns: false where part of the range is not mapped.
  func residency(of range: Range<UInt64>, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
    lock.withLock {
      guard regions.isCovered(range) else { return false }
      var page = range.lowerBound
      for index in 0..<bytes.count {
        var isResident = table.entry(for: page)?.pointee.holdsFrame ?? false
        if !isResident, let region = regions.find(page), region.hasSource {
          let number = region.source(ofPage: page).offset >> 12
          isResident = PageStore.named(region.sourceID)._withUnsafeGuaranteedRef { $0.isResident(number) }
        }
        bytes[index] = isResident ? 1 : 0
        page += 4096
      }
      return true
    }
  }

  // MARK: Reports

  /// How much is mapped, in bytes.
  public var mappedBytes: UInt64 { lock.withLock { regions.mappedBytes } }

  /// The first region that ends above an address, with the file that is behind it, for a walk over all of
  /// them that holds no lock in between; nil behind the last.
  func region(endingAfter address: UInt64) -> (region: MemoryRegion, file: OpenFile?)? {
    lock.withLock {
      guard let region = regions[regions.firstIndex(endingAfter: address)] else { return nil }
      return (region, mapping(of: region)?.file)
    }
  }

  /// How many pages of a region have a frame, and how many of these nobody else has.
  func residentPages(of region: MemoryRegion) -> (all: Int, exclusive: Int) {
    lock.withLock {
      var all = 0
      var exclusive = 0
      table.forEachEntry(in: region.start..<region.end) { _, entry in
        all += 1
        if Frames.isExclusive(entry.pointee.frame) { exclusive += 1 }
      }
      return (all, exclusive)
    }
  }
}
