import Core
import Machine

/// The local descriptor table of a program (modify_ldt(2)).
extension AddressSpace {
  /// Changes an entry. The selectors of threads that run are as on Linux afterwards (`Segments.refreshData`); what CS
  /// and SS have lost shows on their way to user mode.
  ///
  /// - Parameter number: below `LocalDescriptorRequest.entryLimit`.
  func setLocalDescriptor(_ number: Int, _ descriptor: UInt64) throws(Failure) {
    try withLock { () throws(Failure) in
      let old = localTable
      guard let new = old.copy(count: number + 1) else { throw .outOfMemory }
      new.descriptors[number] = descriptor
      localTable = new
      TLBShootdown.loadLocalTable(new, root: root)
      old.deallocate()
    }
  }

  /// The table for reading: a copy, which the caller deallocates; nil where memory is out.
  func copiedLocalTable() -> LocalDescriptorTable? {
    lock.acquire()
    defer { unlock() }
    return localTable.isNone ? LocalDescriptorTable.none : localTable.copy(count: 0)
  }

  /// The base of the segment that an entry has; 0 where it has none.
  func localSegmentBase(_ number: Int) -> UInt64 {
    lock.acquire()
    defer { unlock() }
    return number < localTable.count ? UserSegment.base(of: localTable.descriptors[number]) : 0
  }

  /// The same table for a space that nobody has loaded yet. The other's lock is held.
  ///
  /// - Returns: false when memory is out.
  func copyLocalTable(of other: AddressSpace) -> Bool {
    if other.localTable.isNone { return true }
    guard let copy = other.localTable.copy(count: 0) else { return false }
    localTable = copy
    return true
  }
}

extension UnsafeMutablePointer where Pointee == Thread {
  /// Gives the thread an address space, or with nil none, from its next switch on.
  func setAddressSpace(_ space: AddressSpace?) {
    pointee.pageTableRoot = space?.root ?? 0
    // SAFETY: a stored property of a final class lies in the object, which stays where it is, and alive as long as its
    // root may be loaded.
    pointee.localTable = space.map { space in withUnsafeMutablePointer(to: &space.localTable) { $0 } }
  }
}
