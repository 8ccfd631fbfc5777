import Core
import Machine

/// What may be done with memory: protections, protection keys, locks.
extension AddressSpace {
  /// Changes what may be done with a range of whole pages. What comes before a part that is not mapped, or that may
  /// not be written, is changed even though the call fails (mprotect(2)).
  ///
  /// - Parameters:
  ///   - key: the pages' protection key from now on, one that the program has; nil to keep what they have.
  ///   - reachesDown: whether the range begins where the stack that it starts in does (PROT_GROWSDOWN).
  ///   - dataLimit: how many bytes may be private and writable (RLIMIT_DATA).
  public func protect(
    _ range: Range<UInt64>, _ protection: MemoryProtection, key: UInt8? = nil, reachesDown: Bool = false,
    dataLimit: UInt64 = .max
  ) throws(Failure) {
    try withLock { () throws(Failure) in
      if let key, keys & 1 << UInt16(key) == 0 { throw .invalid }
      var range = range
      if reachesDown {
        guard let region = regions.find(range.lowerBound) else { throw .outOfMemory }
        guard region.growsDown else { throw .invalid }
        range = region.start..<range.upperBound
      }
      var end = regions.coveredEnd(of: range)
      var failure: Failure? = end < range.upperBound ? .outOfMemory : nil
      if protection.contains(.write) {
        forEachPart(in: range.lowerBound..<end) { part in
          guard part.attributes.contains(.neverWritable), part.start < end else { return }
          end = part.start
          failure = .access
        }
        if dataLimit != .max {
          var sum = dataBytes(in: regions.bounds)
          forEachPart(in: range.lowerBound..<end) { part in
            var changed = part
            changed.protection = protection
            guard changed.isData, !part.isData, part.start < end else { return }
            sum += part.length
            guard sum > dataLimit else { return }
            end = part.start
            failure = .outOfMemory
          }
        }
      }
      if let failure, end == range.lowerBound { throw failure }
      range = range.lowerBound..<end
      try makeRoom()
      var isNarrowed = false
      do throws(RegionMapError) {
        try regions.change(range) { region in
          if region.protection == protection, key == nil || region.key == key { return }
          if !protection.isSuperset(of: region.protection) || key != nil { isNarrowed = true }
          region.protection = protection
          if let key { region.key = key }
          let changed = region
          let writable = Self.flags(changed, mayWrite: true)
          let readOnly = Self.flags(changed, mayWrite: false)
          table.forEachEntry(in: changed.start..<changed.end) { _, entry in
            let frame = entry.pointee.frame
            let mayWrite = changed.isShared || Frames.isExclusive(frame) && !Frames.isStored(frame)
            entry.pointee = PageTableEntry(frame: frame, flags: mayWrite ? writable : readOnly)
          }
        }
      } catch {
        throw Self.failure(error)
      }
      if isNarrowed { TLBShootdown.flush(root: root) }
      if let failure { throw failure }
    }
  }

  /// Changes attributes of a range of whole pages.
  ///
  /// - Parameter stopsAtGap: whether only what comes before the first page that is not mapped changes (mlock(2));
  ///   otherwise such pages are passed over.
  /// - Returns: whether all of the range is mapped.
  func setAttributes(
    of range: Range<UInt64>, insert: RegionAttributes = [], remove: RegionAttributes = [], stopsAtGap: Bool = false
  ) throws(Failure) -> Bool {
    try withLock { () throws(Failure) in
      try makeRoom()
      let end = regions.coveredEnd(of: range)
      let isCovered = end == range.upperBound
      let changed = stopsAtGap ? range.lowerBound..<end : range
      if changed.isEmpty { return isCovered }
      do throws(RegionMapError) {
        try regions.change(changed) { region in
          region.attributes.subtract(remove)
          region.attributes.formUnion(insert)
        }
      } catch {
        throw Self.failure(error)
      }
      return isCovered
    }
  }

  /// How many bytes are locked in memory, and how many would be if a range were too.
  func lockedBytes(with range: Range<UInt64>? = nil) -> UInt64 {
    lock.withLock { lockedBytesWithLockHeld(with: range) }
  }

  private func lockedBytesWithLockHeld(with range: Range<UInt64>?) -> UInt64 {
    var sum: UInt64 = 0
    for index in 0..<regions.count {
      guard let region = regions[index] else { break }
      if region.attributes.contains(.locked) {
        sum += region.length
      } else if let range, let part = region.part(in: range) {
        sum += part.length
      }
    }
    return sum
  }

  /// Refuses where so much more locked memory is beyond a limit. The lock is held.
  func checkLocked(adding size: UInt64, _ limit: UInt64, error: Failure) throws(Failure) {
    guard limit != .max else { return }
    guard size <= limit, lockedBytesWithLockHeld(with: nil) <= limit - size else { throw error }
  }

  // MARK: Protection keys

  /// A protection key that the program does not have yet; nil where there is none (pkey_alloc(2)).
  func allocateKey() -> UInt8? {
    lock.withLock {
      let free = ~keys
      if free == 0 { return nil }
      let key = UInt8(free.trailingZeroBitCount)
      keys |= 1 << UInt16(key)
      return key
    }
  }

  /// Takes a key back. False where the program does not have it.
  func freeKey(_ key: UInt8) -> Bool {
    lock.withLock {
      if keys & 1 << UInt16(key) == 0 { return false }
      keys &= ~(1 << UInt16(key))
      return true
    }
  }
}
