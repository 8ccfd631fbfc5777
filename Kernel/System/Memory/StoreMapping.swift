import Core
import Machine

/// What a region is to map: a store, and the file that it belongs to.
public struct MappedSource {
  let store: PageStore
  /// Kept alive with the mapping, and named by procfs; nil for memory that is no file's.
  let file: OpenFile?

  init(store: PageStore, file: OpenFile? = nil) {
    self.store = store
    self.file = file
  }
}

/// What a file has to map.
struct MappedMemory {
  let source: MappedSource
  /// Whether it is zeros, as private anonymous memory is, and only called by the file. The store is empty and stays so.
  let isAnonymous: Bool

  static func source(_ source: MappedSource) -> MappedMemory { MappedMemory(source: source, isAnonymous: false) }
  static func anonymous(_ name: MappedSource) -> MappedMemory { MappedMemory(source: name, isAnonymous: true) }
}

/// That an address space maps a store: one for each pair, however many regions there are.
///
/// On two lists: the space's, under its lock, and the store's, under the store's.
final class StoreMapping: @unchecked Sendable {
  let store: PageStore
  let file: OpenFile?
  /// Without a count: the space ends its mappings when it ends.
  let space: Unmanaged<AddressSpace>
  /// How much of the store the space's regions map, in bytes. Under the space's lock.
  var bytes: UInt64
  /// How much of it is shared memory that is, or could become, writable. Under the space's lock.
  var writableBytes: UInt64 = 0
  /// Whether the store counts the space among those who can write. Longer than there are writable bytes: until no CPU
  /// has a translation of them any more. Under the space's lock.
  private var isWriter = false
  var nextInSpace: StoreMapping?
  unowned(unsafe) var previousInSpace: StoreMapping?
  /// The next in the same bucket of `StoreMappings`.
  var nextInBucket: Unmanaged<StoreMapping>?
  unowned(unsafe) var nextInStore: StoreMapping?
  unowned(unsafe) var previousInStore: StoreMapping?
  /// The last walk over the store's mappings that has been here.
  var visit: UInt64 = 0

  init(_ source: MappedSource, space: AddressSpace, bytes: UInt64) {
    store = source.store
    file = source.file
    self.space = Unmanaged.passUnretained(space)
    self.bytes = bytes
  }

  deinit { if isWriter { store.removeSharedWriter() } }

  /// Has the store count the space among those who can write to it.
  ///
  /// - Throws: EPERM where it refuses that.
  func joinWriters() throws(Errno) {
    if isWriter { return }
    guard store.addSharedWriter() else { throw .notPermitted }
    isWriter = true
  }

  /// Ends that where nothing is writable any more.
  func leaveWriters() {
    guard isWriter, writableBytes == 0 else { return }
    isWriter = false
    store.removeSharedWriter()
  }

  func joinStore() {
    store.lock.withLock {
      nextInStore = store.firstMapping
      store.firstMapping?.previousInStore = self
      store.firstMapping = self
    }
  }

  func leaveStore() {
    store.lock.withLock {
      nextInStore?.previousInStore = previousInStore
      if let previousInStore {
        previousInStore.nextInStore = nextInStore
      } else {
        store.firstMapping = nextInStore
      }
      nextInStore = nil
      previousInStore = nil
    }
  }
}

extension AddressSpace {
  /// The mapping that a region belongs to. The lock is held.
  func mapping(of region: MemoryRegion) -> StoreMapping? {
    region.namesSource ? mappings.find(region.sourceID) : nil
  }

  /// A region of a source comes in. The lock is held.
  ///
  /// - Parameters:
  ///   - bytes: how many there are of it.
  ///   - writableBytes: how many of them are shared memory that is, or could become, writable.
  /// - Throws: EPERM where the store does not let itself be written so, ENOMEM.
  func addMapping(of source: MappedSource, bytes: UInt64, writableBytes: UInt64) throws(Failure) {
    guard let mapping = mappings.find(source.store.identity) else {
      return try addFirstMapping(of: source, bytes: bytes, writableBytes: writableBytes)
    }
    if writableBytes > 0 { try mapping.joinWriters() }
    mapping.bytes += bytes
    mapping.writableBytes += writableBytes
  }

  /// As above for a source of which the space maps nothing yet.
  func addFirstMapping(of source: MappedSource, bytes: UInt64, writableBytes: UInt64) throws(Failure) {
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let mapping = StoreMapping(source, space: self, bytes: bytes)
    if writableBytes > 0 { try mapping.joinWriters() }
    mapping.writableBytes = writableBytes
    mappings.insert(mapping)
    mapping.joinStore()
  }

  /// A region, or a part of one, has gone. The lock is held.
  func removeMapping(of region: MemoryRegion) {
    guard let mapping = mapping(of: region) else { return }
    mapping.bytes -= region.length
    if region.attributes.contains(.segment) { mapping.file?.regionIsRemoved() }
    mapping.writableBytes -= region.sharedWritableBytes
    if mapping.bytes > 0 {
      if mapping.writableBytes == 0, region.sharedWritableBytes > 0 { hasFormerWriters = true }
      return
    }
    mappings.remove(mapping)
    mapping.leaveStore()
    mapping.nextInSpace = unusedMapping
    unusedMapping = mapping
  }

  /// Ends the right to write to stores of which nothing is writable any more. The lock is held, and no CPU has a
  /// translation left of what has been unmapped.
  func leaveFormerWriters() {
    hasFormerWriters = false
    var next = mappings.first
    while let mapping = next {
      mapping.leaveWriters()
      next = mapping.nextInSpace
    }
  }

  /// Lets go of a chain of mappings. No lock is held: stores and files may end.
  func letGo(_ first: StoreMapping?) {
    var next = first
    // Cut the chain link by link, so that a long one is not released recursively.
    while let mapping = next {
      next = mapping.nextInSpace
      mapping.nextInSpace = nil
      mapping.file?.mappingIsEnded()
    }
  }

  /// How many regions map a store.
  func countRegions(of store: PageStore) -> Int {
    lock.withLock {
      var count = 0
      for index in 0..<regions.count {
        if let region = regions[index], region.hasSource, region.sourceID == store.identity { count += 1 }
      }
      return count
    }
  }

  /// Takes out the pages of a store that has lost them.
  ///
  /// - Parameters:
  ///   - pages: their numbers in the store.
  ///   - keepsCopies: whether the program's own copies of them stay.
  func removePages(_ pages: Range<UInt64>, of store: PageStore, keepsCopies: Bool) {
    lock.acquire()
    for index in 0..<regions.count {
      guard let region = regions[index] else { break }
      if region.hasSource, region.sourceID == store.identity, let range = region.addresses(ofSourcePages: pages) {
        removePages(range, onlyStored: keepsCopies)
      }
    }
    unlock()
  }
}

extension MemoryRegion {
  /// How much of it is shared memory of a source that is writable, or that mprotect(2) can make so.
  var sharedWritableBytes: UInt64 { isShared && !attributes.contains(.neverWritable) ? length : 0 }
}

extension PageStore {
  /// How regions name the store.
  var identity: UInt64 { UInt64(UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque())) }

  /// The store that a region names, which its mapping keeps alive.
  @inline(__always)
  static func named(_ identity: UInt64) -> Unmanaged<PageStore> {
    Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: UInt(identity)).unsafelyUnwrapped)
  }

  /// Takes pages out of all address spaces that map them. No spin lock is held.
  ///
  /// - Parameter keepsCopies: whether private mappings keep the copies that they have written to: those of a hole
  ///   stay, those behind a new end do not.
  func unmap(_ pages: Range<UInt64>, keepsCopies: Bool = false) {
    guard lock.withLock({ firstMapping != nil }) else { return }
    Self.unmapping!.acquire()
    Self.lastVisit += 1
    while let space = nextSpaceToVisit() { removePages(pages, from: space, keepsCopies) }
    Self.unmapping!.release()
  }

  /// The next space on the list that this walk has not been to, with a reference. `unmapping` is held.
  ///
  /// In a function of its own: a mapping is there only as long as the lock keeps it on the list, and whoever drops the
  /// last reference to one ends files. So none is held when the lock is free, and none is left to be dropped under it.
  @inline(never)
  private func nextSpaceToVisit() -> Unmanaged<AddressSpace>? {
    lock.acquire()
    defer { lock.release() }
    var next = firstMapping
    while let mapping = next {
      if mapping.visit != Self.lastVisit {
        mapping.visit = Self.lastVisit
        // A space whose last reference has gone takes its pages out itself. It is still there, since it needs
        // this lock to leave the list.
        if tryRetainObject(mapping.space.toOpaque()) != 0 { return mapping.space }
      }
      next = mapping.nextInStore
    }
    return nil
  }

  /// Takes pages out of a space, and drops a reference to it that has been taken. In a function of its own: the
  /// reference may be the last one, and the space's end takes this store's lock.
  @inline(never)
  private func removePages(_ pages: Range<UInt64>, from space: Unmanaged<AddressSpace>, _ keepsCopies: Bool) {
    space.takeRetainedValue().removePages(pages, of: self, keepsCopies: keepsCopies)
  }

  /// Whether an address space maps it. A lock of a space or an object may be held.
  var isMapped: Bool { lock.withLock { firstMapping != nil } }

  /// How many regions of all address spaces map it. No spin lock is held.
  func countRegions() -> Int {
    guard isMapped else { return 0 }
    Self.unmapping!.acquire()
    defer { Self.unmapping!.release() }
    Self.lastVisit += 1
    var count = 0
    while let space = nextSpaceToVisit() { count += countRegions(of: space) }
    return count
  }

  /// As `removePages`: drops the reference.
  @inline(never)
  private func countRegions(of space: Unmanaged<AddressSpace>) -> Int {
    space.takeRetainedValue().countRegions(of: self)
  }

  static func initialize() { unmapping = Mutex() }
}
