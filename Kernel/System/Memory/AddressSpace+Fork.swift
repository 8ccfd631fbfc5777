import Core
import Machine

extension AddressSpace {
  /// A copy of the whole space, whose private pages are shared until one side writes; nil when memory is
  /// out.
  public func duplicate() -> AddressSpace? {
    guard let copy = AddressSpace() else { return nil }
    lock.acquire()
    // From its first mapping on, others may look for pages in the copy.
    copy.lock.acquire()
    defer {
      lock.release()
      // Last: a copy that is not complete ends behind it.
      copy.lock.release()
    }
    guard let copiedStorage = Self.allocateStorage(count: regions.capacity) else { return nil }
    guard let copiedRegions = regions.copy(into: copiedStorage) else {
      KernelHeap.deallocate(copiedStorage.baseAddress!)
      return nil
    }
    KernelHeap.deallocate(copy.storage.baseAddress!)
    copy.storage = copiedStorage
    copy.regions = copiedRegions
    copy.layout = layout
    copy.breakStart = breakStart
    copy.breakEnd = breakEnd
    copy.keys = keys
    copy.startArea = startArea
    copy.program = program
    guard copy.copyMappings(of: self), copy.copyLocalTable(of: self) else { return nil }

    var isComplete = true
    var hasSpecial = false
    for index in 0..<regions.count where isComplete {
      guard let region = regions[index] else { break }
      if region.attributes.isDisjoint(with: [.notForked, .wipedOnFork]) {
        isComplete = copyPages(of: region, to: copy)
      }
      if !region.attributes.isEmpty { hasSpecial = true }
    }
    // Also after a failure: pages may have become read-only.
    TLBShootdown.flush(root: root)
    guard isComplete else { return nil }
    if hasSpecial {
      do throws(Failure) { try copy.dropWhatIsNotForked() } catch { return nil }
    }
    return copy
  }

  /// Maps the frames of a region in the copy too. Both locks are held, or nobody else knows the copy.
  ///
  /// - Returns: false when memory is out.
  private func copyPages(of region: MemoryRegion, to copy: AddressSpace) -> Bool {
    let mask = region.isShared ? ~0 : ~PageTableEntry.Flags.writable.rawValue
    return table.copyEntries(
      in: region.start..<region.end, to: copy.table, allocateTable: copy.allocateTable
    ) { entry in
      entry.pointee.bits &= mask
      Frames.retain(entry.pointee.frame)
      copy.residentPages &+= 1
      return entry.pointee
    }
  }

  /// The mappings of another space, for its copy. The other's lock is held.
  private func copyMappings(of other: AddressSpace) -> Bool {
    var next = other.mappings.first
    while let mapping = next {
      do throws(Failure) {
        try addFirstMapping(
          of: MappedSource(store: mapping.store, file: mapping.file), bytes: mapping.bytes,
          writableBytes: mapping.writableBytes)
      } catch {
        return false
      }
      mapping.file?.mappingIsCopied()
      next = mapping.nextInSpace
    }
    return true
  }

  /// A new copy loses what madvise(2) has kept from children, and memory locks are not inherited.
  ///
  /// - Throws: ENOMEM.
  private func dropWhatIsNotForked() throws(Failure) {
    // They have no pages here.
    regions.removeAll(where: { $0.attributes.contains(.notForked) }) { removeMapping(of: $0) }
    try makeRoom()
    do throws(RegionMapError) {
      try regions.change(AddressSpace.lowestAddress..<UserMemory.limit) { $0.attributes.remove(.locked) }
    } catch {
      throw Self.failure(error)
    }
    if hasFormerWriters { leaveFormerWriters() }
    letGo(unusedMapping)
    unusedMapping = nil
  }
}
