import Core
import Machine

/// The memory of a program: its regions, its page tables, and the frames behind them.
///
/// Shared by the threads of a process. All methods take the lock; callers hold no lock and have interrupts
/// enabled.
public final class AddressSpace: @unchecked Sendable {
  /// What can go wrong, by the errno value that Linux gives it.
  public enum Failure: Error, Sendable {
    case outOfMemory
    case invalid
    case exists
    case access
  }

  let table: PageTable
  /// Guards all that follows, and the user half of the page tables.
  var lock = SpinLock()

  var regions: RegionMap
  /// Where `regions` keeps its entries.
  var storage: UnsafeMutableBufferPointer<MemoryRegion>
  /// The heap's bounds (brk).
  var breakStart: UInt64 = 0
  var breakEnd: UInt64 = 0

  static var lowestAddress: UInt64 { 0x1_0000 }
  /// The addresses that mmap chooses from, top down.
  private static var mappingArea: Range<UInt64> { 0x1000_0000..<0x7FFF_0000_0000 }
  /// How far a stack may grow, in bytes.
  static var stackLimit: UInt64 { 8 << 20 }

  public var root: PhysicalAddress { table.root }

  /// An address space without any user memory; nil when memory is out.
  public init?() {
    guard let root = Frames.allocateZeroedForUser() else { return nil }
    guard let storage = Self.allocateStorage(count: 32) else {
      Frames.free(root, order: 0)
      return nil
    }
    table = PageTable(root: root)
    table.copyKernelHalf(from: .kernel)
    self.storage = storage
    regions = RegionMap(storage: storage, bounds: Self.lowestAddress..<UserMemory.limit)
  }

  deinit {
    TLBShootdown.leave(root: root)
    // Pages lie in regions alone: there is no need to look through the whole table.
    for index in 0..<regions.count {
      guard let region = regions[index] else { break }
      table.forEachEntry(in: region.start..<region.end) { _, entry in Frames.release(entry.pointee.frame) }
    }
    table.freeUserTables { Frames.free($0, order: 0) }
    Frames.free(root, order: 0)
    KernelHeap.deallocate(storage.baseAddress!)
  }

  static func allocateStorage(count: Int) -> UnsafeMutableBufferPointer<MemoryRegion>? {
    guard
      let memory = KernelHeap.allocate(size: count * MemoryLayout<MemoryRegion>.stride, alignment: 16)
    else { return nil }
    return UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: MemoryRegion.self, capacity: count), count: count)
  }

  /// Makes room for one change of the regions. The lock is held.
  private func makeRoom() throws(Failure) {
    if !regions.needsStorage { return }
    guard Frames.freeCount > Frames.reserve,
      let larger = Self.allocateStorage(count: regions.capacity * 2)
    else { throw .outOfMemory }
    _ = regions.replaceStorage(with: larger)
    KernelHeap.deallocate(storage.baseAddress!)
    storage = larger
  }

  // MARK: Regions

  /// Maps a region at its address.
  ///
  /// - Parameter replacing: whether what is mapped there makes room; otherwise that is an error.
  public func map(_ region: MemoryRegion, replacing: Bool) throws(Failure) {
    lock.acquire()
    defer { lock.release() }
    try insert(region, replacing: replacing)
  }

  /// Maps a region of `size` bytes at an address of the kernel's choice.
  ///
  /// - Parameters:
  ///   - hint: where the program would like it; 0 for no wish.
  ///   - make: gives the region for an address.
  /// - Returns: the address.
  public func mapAnywhere(
    size: UInt64, hint: UInt64, make: (UInt64) -> MemoryRegion
  ) throws(Failure) -> UInt64 {
    lock.acquire()
    defer { lock.release() }
    let wish = hint & ~4095
    if wish >= Self.lowestAddress, size <= UserMemory.limit, wish <= UserMemory.limit - size,
      regions.isFree(wish..<wish + size)
    {
      try insert(make(wish), replacing: false)
      return wish
    }
    guard let address = regions.findGap(size: size, within: Self.mappingArea, direction: .topDown) else {
      throw .outOfMemory
    }
    try insert(make(address), replacing: false)
    return address
  }

  /// The lock is held.
  private func insert(_ region: MemoryRegion, replacing: Bool) throws(Failure) {
    try makeRoom()
    if replacing, region.start < region.end { try removePages(region.start..<region.end) }
    do throws(RegionMapError) {
      try regions.insert(region, placement: replacing ? .replacing : .onlyIfFree)
    } catch {
      throw Self.failure(error)
    }
    // What is shared has to be there before the first fork: the pages are the only record of it.
    if region.kind == .anonymousShared, !populate(region) {
      try? unmapLocked(region.start..<region.end)
      throw .outOfMemory
    }
  }

  /// Unmaps whatever is mapped in a range of whole pages.
  public func unmap(_ range: Range<UInt64>) throws(Failure) {
    lock.acquire()
    defer { lock.release() }
    try unmapLocked(range)
  }

  private func unmapLocked(_ range: Range<UInt64>) throws(Failure) {
    try makeRoom()
    do throws(RegionMapError) { try regions.remove(range) } catch { throw Self.failure(error) }
    try removePages(range)
  }

  /// Takes the pages of a range out of the table, and frees their frames once no CPU can reach them.
  private func removePages(_ range: Range<UInt64>) throws(Failure) {
    // In batches, so that the frames wait for the shootdown in bounded room.
    var frames = InlineArray<128, PhysicalAddress>(repeating: 0)
    var count = 0
    func flush() {
      TLBShootdown.flush(root: root)
      for index in 0..<count { Frames.release(frames[index]) }
      count = 0
    }
    table.forEachEntry(in: range) { _, entry in
      frames[count] = entry.pointee.frame
      entry.pointee = .absent
      count += 1
      if count == 128 { flush() }
    }
    if count > 0 { flush() }
  }

  /// Changes what may be done with a range of whole pages, all of them mapped.
  public func protect(_ range: Range<UInt64>, _ protection: MemoryProtection) throws(Failure) {
    lock.acquire()
    defer { lock.release() }
    try makeRoom()
    var isNarrowed = false
    do throws(RegionMapError) {
      try regions.protect(range, protection) { region, before in
        if !protection.isSuperset(of: before) { isNarrowed = true }
        table.forEachEntry(in: region.start..<region.end) { _, entry in
          let isShared = region.kind == .anonymousShared
          let mayWrite = isShared || Frames.isExclusive(entry.pointee.frame)
          entry.pointee = PageTableEntry(
            frame: entry.pointee.frame, flags: Self.flags(protection, mayWrite: mayWrite))
        }
      }
    } catch {
      throw Self.failure(error)
    }
    if isNarrowed { TLBShootdown.flush(root: root) }
  }

  private static func failure(_ error: RegionMapError) -> Failure {
    switch error {
    case .empty, .misaligned, .sourceOverflow: .invalid
    case .outOfBounds, .notMapped, .tooManyRegions, .needsStorage: .outOfMemory
    case .overlap: .exists
    }
  }

  /// - Parameter mayWrite: false where the first write has to copy the frame.
  static func flags(_ protection: MemoryProtection, mayWrite: Bool) -> PageTableEntry.Flags {
    if protection.isEmpty { return .held }
    var flags: PageTableEntry.Flags = [.present, .user]
    if protection.contains(.write), mayWrite { flags.insert(.writable) }
    if !protection.contains(.execute), Platform.features.nx { flags.insert(.noExecute) }
    return flags
  }

  // MARK: The heap

  /// Where the heap begins: behind the program's last segment.
  func setBreakStart(_ address: UInt64) {
    breakStart = address
    breakEnd = address
  }

  /// Moves the end of the heap, if it can be moved there.
  ///
  /// - Returns: the end as it is then.
  public func setBreak(_ address: UInt64) -> UInt64 {
    lock.acquire()
    defer { lock.release() }
    guard address >= breakStart, address < UserMemory.limit - 4096 else { return breakEnd }
    let old = (breakEnd + 4095) & ~4095
    let new = (address + 4095) & ~4095
    do throws(Failure) {
      if new > old {
        try insert(
          MemoryRegion(start: old, end: new, protection: [.read, .write], kind: .anonymousPrivate),
          replacing: false)
      } else if new < old {
        try unmapLocked(new..<old)
      }
      breakEnd = address
    } catch {}
    return breakEnd
  }
}
