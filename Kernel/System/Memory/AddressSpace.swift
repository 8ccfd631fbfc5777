import Core
import Machine

/// The memory of a program: its regions, its page tables, and the frames behind them.
///
/// Shared by the threads of a process. All methods take the lock; callers hold no lock and have interrupts
/// enabled.
public final class AddressSpace: @unchecked Sendable {
  /// What can go wrong, by Linux's names.
  public typealias Failure = Errno

  let table: PageTable
  /// Guards all that follows, and the user half of the page tables.
  var lock = SpinLock()

  var regions: RegionMap
  /// Where `regions` keeps its entries.
  var storage: UnsafeMutableBufferPointer<MemoryRegion>
  /// The stores that regions map.
  var mappings = StoreMappings()
  /// Those that no region maps any more, to be let go once the lock is released.
  var unusedMapping: StoreMapping?
  /// Whether a mapping that stays has lost the last of its memory that could be written.
  var hasFormerWriters = false
  /// Entries of the tables that hold a frame: what is resident, shared frames included. Read without the lock
  /// for reports.
  public internal(set) var residentPages = 0
  /// Frames that page tables take.
  public internal(set) var tableFrames = 1
  /// Where things lie.
  var layout = AddressSpaceLayout.fixed
  /// The heap's bounds (brk).
  var breakStart: UInt64 = 0
  var breakEnd: UInt64 = 0
  /// Protection keys that the program has, a bit each; 0 is everybody's (pkeys(7)).
  var keys: UInt16 = 1
  /// Whether what is mapped from now on is locked (mlockall(2), MCL_FUTURE).
  var locksFuture = false
  /// The segments that the program has made itself (modify_ldt(2)). Written under the lock; switches read it without.
  var localTable = LocalDescriptorTable.none
  /// The file that the program was loaded from.
  var program: OpenFile?
  /// What procfs tells of a program: where its arguments and its environment lie, and the auxiliary vector.
  var startArea = ProgramStartArea()

  static var lowestAddress: UInt64 { 0x1_0000 }

  public var root: PhysicalAddress { table.root }

  /// An address space without any user memory; nil when memory is out.
  public init?() {
    guard Frames.freeCount > Frames.reserve, let root = Frames.allocateForUser() else { return nil }
    guard let storage = Self.allocateStorage(count: 32) else {
      Frames.free(root, order: 0)
      return nil
    }
    table = PageTable(root: root)
    table.initialize(kernelHalfFrom: .kernel)
    self.storage = storage
    regions = RegionMap(storage: storage, bounds: Self.lowestAddress..<UserMemory.limit)
  }

  deinit {
    check(cpuPreemptionDisabled() == 0, "an address space ends while a spin lock is held")
    TLBShootdown.leave(root: root)
    // From here on no store takes pages away.
    var mapping = mappings.first
    while let current = mapping {
      current.leaveStore()
      mapping = current.nextInSpace
    }
    // Pages lie in regions alone: there is no need to look through the whole table.
    for index in 0..<regions.count {
      guard let region = regions[index] else { break }
      table.forEachEntry(in: region.start..<region.end) { _, entry in Frames.release(entry.pointee.frame) }
    }
    table.freeUserTables { Frames.free($0, order: 0) }
    Frames.free(root, order: 0)
    localTable.deallocate()
    KernelHeap.deallocate(storage.baseAddress!)
    mappings.deallocateBuckets()
    letGo(mappings.first)
  }

  static func allocateStorage(count: Int) -> UnsafeMutableBufferPointer<MemoryRegion>? {
    guard
      let memory = KernelHeap.allocate(size: count * MemoryLayout<MemoryRegion>.stride, alignment: 16)
    else { return nil }
    return UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: MemoryRegion.self, capacity: count), count: count)
  }

  /// Runs `body` with the lock held, and afterwards lets go of the stores that it unmapped.
  @inline(__always)
  func withLock<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    lock.acquire()
    defer { unlock() }
    return try body()
  }

  /// Releases the lock, and lets go of the stores that have been unmapped: the last reference to one ends
  /// files.
  @inline(__always)
  func unlock() {
    if hasFormerWriters { leaveFormerWriters() }
    let unused = unusedMapping
    unusedMapping = nil
    lock.release()
    if unused != nil { letGo(unused) }
  }

  /// Makes room for one change of the regions. The lock is held.
  func makeRoom() throws(Failure) {
    if !regions.needsStorage { return }
    guard Frames.freeCount > Frames.reserve,
      let larger = Self.allocateStorage(count: regions.capacity * 2)
    else { throw .outOfMemory }
    _ = regions.replaceStorage(with: larger)
    KernelHeap.deallocate(storage.baseAddress!)
    storage = larger
  }

  static func failure(_ error: RegionMapError) -> Failure {
    switch error {
    case .empty, .misaligned, .sourceOverflow: .invalid
    case .outOfBounds, .notMapped, .tooManyRegions, .needsStorage: .outOfMemory
    case .overlap: .exists
    }
  }

  // MARK: Regions

  /// Maps a region at its address.
  ///
  /// - Parameters:
  ///   - source: what is behind the region, where its kind has a source.
  ///   - replacing: whether what is mapped there makes room; otherwise that is an error.
  ///   - limit: how many bytes the program may have mapped in all (RLIMIT_AS).
  ///   - dataLimit: how many of them private and writable (RLIMIT_DATA).
  public func map(
    _ region: MemoryRegion, of source: MappedSource? = nil, replacing: Bool, limit: UInt64 = .max,
    dataLimit: UInt64 = .max
  ) throws(Failure) {
    try withLock { () throws(Failure) in
      try checkData(adding: region, replacing: replacing, dataLimit)
      try insert(region, of: source, replacing: replacing, limit: limit)
    }
  }

  /// Refuses a region with which the program would have more data than RLIMIT_DATA allows: what is private and
  /// writable and no stack (getrlimit(2)). The lock is held.
  func checkData(adding region: MemoryRegion, replacing: Bool, _ limit: UInt64) throws(Failure) {
    guard limit != .max, region.isData else { return }
    let replaced = replacing ? dataBytes(in: region.start..<region.end) : 0
    if dataBytes(in: regions.bounds) - replaced + region.length > limit { throw .outOfMemory }
  }

  /// How much of a range is data. The lock is held.
  func dataBytes(in range: Range<UInt64>) -> UInt64 {
    var sum: UInt64 = 0
    forEachPart(in: range) { if $0.isData { sum += $0.length } }
    return sum
  }

  /// Maps a region of `size` bytes at an address of the kernel's choice.
  ///
  /// - Parameters:
  ///   - hint: where the program would like it; 0 for no wish.
  ///   - end: what it has to lie below.
  ///   - limit, dataLimit: as of `map`.
  ///   - make: gives the region for an address.
  /// - Returns: the address.
  public func mapAnywhere(
    size: UInt64, hint: UInt64, below end: UInt64 = UserMemory.limit, of source: MappedSource? = nil,
    limit: UInt64 = .max, dataLimit: UInt64 = .max, make: (UInt64) -> MemoryRegion
  ) throws(Failure) -> UInt64 {
    try withLock { () throws(Failure) in
      let address = try findPlace(size: size, hint: hint, below: end)
      try checkData(adding: make(address), replacing: false, dataLimit)
      try insert(make(address), of: source, replacing: false, limit: limit)
      return address
    }
  }

  /// An address at which nothing is mapped. The lock is held.
  func findPlace(
    size: UInt64, hint: UInt64, below end: UInt64 = UserMemory.limit
  ) throws(Failure) -> UInt64 {
    let wish = hint & ~4095
    if wish >= Self.lowestAddress, size <= end, wish <= end - size, regions.isFree(wish..<wish + size) {
      return wish
    }
    if end < UserMemory.limit {
      guard let address = regions.findGap(size: size, within: 0x4000_0000..<end, direction: .bottomUp)
      else { throw .outOfMemory }
      return address
    }
    let area = Self.lowestAddress..<layout.mappingTop
    if let address = regions.findGap(size: size, within: area, direction: .topDown) { return address }
    let above = area.upperBound..<UserMemory.limit
    guard let address = regions.findGap(size: size, within: above, direction: .bottomUp) else {
      throw .outOfMemory
    }
    return address
  }

  /// The lock is held.
  func insert(
    _ region: MemoryRegion, of source: MappedSource? = nil, replacing: Bool, limit: UInt64 = .max
  ) throws(Failure) {
    try makeRoom()
    guard region.start < region.end else { throw .invalid }
    guard regions.count < regions.maximumCount, regions.bounds.contains(region.start) else {
      throw .outOfMemory
    }
    let range = region.start..<region.end
    if limit != .max {
      let replaced = replacing ? mappedBytes(in: range) : 0
      guard region.length <= limit, regions.mappedBytes - replaced <= limit - region.length else {
        throw .outOfMemory
      }
    }
    var region = region
    if let source {
      region.sourceID = source.store.identity
      try addMapping(of: source, bytes: region.length, writableBytes: region.sharedWritableBytes)
    }
    if replacing { removePages(range) }
    do throws(RegionMapError) {
      try regions.insert(region, placement: replacing ? .replacing : .onlyIfFree) { removeMapping(of: $0) }
    } catch {
      if source != nil { removeMapping(of: region) }
      throw Self.failure(error)
    }
  }

  /// How much of a range is mapped. The lock is held.
  func mappedBytes(in range: Range<UInt64>) -> UInt64 {
    var sum: UInt64 = 0
    forEachPart(in: range) { sum += $0.length }
    return sum
  }

  /// Calls `body` with the part of each region that lies in a range. The lock is held.
  func forEachPart(in range: Range<UInt64>, _ body: (MemoryRegion) -> Void) {
    var index = regions.firstIndex(endingAfter: range.lowerBound)
    while let part = regions[index]?.part(in: range) {
      body(part)
      index += 1
    }
  }

  /// Whether nothing is mapped in a range of whole pages.
  func isFree(_ range: Range<UInt64>) -> Bool { lock.withLock { regions.isFree(range) } }

  /// Unmaps whatever is mapped in a range of whole pages.
  public func unmap(_ range: Range<UInt64>) throws(Failure) {
    try withLock { () throws(Failure) in try unmapLocked(range) }
  }

  func unmapLocked(_ range: Range<UInt64>) throws(Failure) {
    try makeRoom()
    do throws(RegionMapError) {
      try regions.remove(range) { removeMapping(of: $0) }
    } catch {
      throw Self.failure(error)
    }
    removePages(range)
  }

  /// Takes the pages of a range out of the table, and frees their frames once no CPU can reach them.
  ///
  /// - Parameter onlyStored: whether frames that are no store's pages stay.
  func removePages(_ range: Range<UInt64>, onlyStored: Bool = false) {
    // In batches, so that the frames wait for the shootdown in bounded room.
    var frames = InlineArray<64, PhysicalAddress>(repeating: 0)
    var count = 0
    func flush() {
      TLBShootdown.flush(root: root)
      residentPages -= count
      for index in 0..<count { Frames.release(frames[index]) }
      count = 0
    }
    table.forEachEntry(in: range) { _, entry in
      if onlyStored, !Frames.isStored(entry.pointee.frame) { return }
      frames[count] = entry.pointee.frame
      entry.pointee = .absent
      count += 1
      if count == 64 { flush() }
    }
    if count > 0 { flush() }
  }

  /// A frame for a page table, all zeros.
  @inline(__always)
  func allocateTable() -> PhysicalAddress? {
    tableFrames &+= 1
    return Frames.allocateZeroedForUser()
  }

  // MARK: The heap

  /// Where the heap begins: behind the program's last segment.
  func setBreakStart(_ address: UInt64) {
    breakStart = address
    breakEnd = address
  }

  /// Moves the end of the heap, if it can be moved there.
  ///
  /// - Returns: the end as it is then, and the pages that are to be made at once.
  func setBreak(_ address: UInt64, _ limits: MemoryLimits) -> (end: UInt64, locked: Range<UInt64>?) {
    lock.acquire()
    defer { unlock() }
    guard address >= breakStart, address < UserMemory.limit - 4096, address - breakStart <= limits.data else {
      return (breakEnd, nil)
    }
    let old = (breakEnd + 4095) & ~4095
    let new = (address + 4095) & ~4095
    var locked: Range<UInt64>? = nil
    do throws(Failure) {
      if new > old {
        // A page stays free above it, as on Linux, so that what lies there is not taken for the heap.
        guard regions.isFree(old..<new + 4096), Self.isPlausible(new - old) else { return (breakEnd, nil) }
        if locksFuture { try checkLocked(adding: new - old, limits.locked, error: .outOfMemory) }
        let added = MemoryRegion(
          start: old, end: new, protection: [.read, .write], attributes: locksFuture ? .locked : [])
        try checkData(adding: added, replacing: false, limits.data)
        try insert(added, replacing: false, limit: limits.all)
        if locksFuture { locked = old..<new }
      } else if new < old {
        try unmapLocked(new..<old)
      }
      breakEnd = address
    } catch {}
    return (breakEnd, locked)
  }

  /// Whether memory of a size could ever be had: more than all of it is refused at once, as Linux's heuristic
  /// policy does (proc_sys_vm(5), overcommit_memory).
  static func isPlausible(_ size: UInt64) -> Bool { size >> 12 <= UInt64(Frames.totalCount) }
}

/// What a program may have of memory, in bytes (getrlimit(2)).
struct MemoryLimits {
  /// Mapped in all (RLIMIT_AS).
  var all: UInt64
  /// Private and writable and no stack (RLIMIT_DATA).
  var data: UInt64
  /// Locked (RLIMIT_MEMLOCK); `.max` for who may lock all there is.
  var locked: UInt64
}

extension MemoryRegion {
  /// Whether RLIMIT_DATA counts it.
  var isData: Bool { protection.contains(.write) && !isShared && !growsDown }
}

/// Where the program's start left what describes it, for procfs.
struct ProgramStartArea {
  var arguments: Range<UInt64> = 0..<0
  var environment: Range<UInt64> = 0..<0
  var auxiliaryVector: Range<UInt64> = 0..<0
  var stackPointer: UInt64 = 0
  var code: Range<UInt64> = 0..<0
  var data: Range<UInt64> = 0..<0
}
