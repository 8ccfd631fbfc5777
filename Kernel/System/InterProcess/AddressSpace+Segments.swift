import Core
import Machine

extension AddressSpace {
  /// Detaches the segment that is attached at an address (shmdt(2)): what is left of it, wherever parts have been unmapped
  /// or changed since.
  ///
  /// - Throws: EINVAL where none is attached there.
  func detachSegment(at address: UInt64) throws(Failure) {
    try withLock { () throws(Failure) in
      var index = regions.firstIndex(endingAfter: address)
      while let region = regions[index], !region.isPart(ofSegmentAt: address) { index += 1 }
      guard let first = regions[index], let store = mapping(of: first)?.store else { throw .invalid }
      // A store's identity is as good as the store, which lives until the lock is released.
      let identity = store.identity
      let end = address &+ (store.size &+ 4095) & ~4095
      try unmapLocked(first.start..<first.end)
      while let region = regions[index], region.end <= end {
        if region.sourceID == identity, region.isPart(ofSegmentAt: address) {
          try unmapLocked(region.start..<region.end)
        } else {
          index += 1
        }
      }
    }
  }
}

extension MemoryRegion {
  /// Whether the region lies where it does if its segment is attached at an address.
  fileprivate func isPart(ofSegmentAt address: UInt64) -> Bool {
    attributes.contains(.segment) && start >= address && start &- address == sourceOffset
  }
}
