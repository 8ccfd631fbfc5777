import Core
import Machine

extension AddressSpace {
  /// A copy of the whole space, whose private pages are shared until one side writes; nil when memory is
  /// out.
  public func duplicate() -> AddressSpace? {
    guard let copy = AddressSpace() else { return nil }
    lock.acquire()
    defer { lock.release() }
    guard let copiedStorage = Self.allocateStorage(count: regions.capacity) else { return nil }
    guard let copiedRegions = regions.copy(into: copiedStorage) else {
      KernelHeap.deallocate(copiedStorage.baseAddress!)
      return nil
    }
    KernelHeap.deallocate(copy.storage.baseAddress!)
    copy.storage = copiedStorage
    copy.regions = copiedRegions
    copy.breakStart = breakStart
    copy.breakEnd = breakEnd

    var isComplete = true
    for index in 0..<regions.count {
      guard let region = regions[index], isComplete else { break }
      table.forEachEntry(in: region.start..<region.end) { address, entry in
        guard isComplete,
          let target = copy.table.makeEntry(
            for: address, user: true, allocateTable: Frames.allocateZeroedForUser)
        else {
          isComplete = false
          return
        }
        if region.kind != .anonymousShared {
          entry.pointee.bits &= ~PageTableEntry.Flags.writable.rawValue
        }
        Frames.retain(entry.pointee.frame)
        target.pointee = entry.pointee
      }
    }
    // Also after a failure: pages may have become read-only.
    TLBShootdown.flush(root: root)
    return isComplete ? copy : nil
  }
}
