import Core
import Machine

/// A segment of shared memory (shmget(2)). Its bytes are a `PageStore`, as those of all shared memory.
///
/// Attachments are counted where they are: the regions of all address spaces that map the store. A segment that has been
/// removed while it is attached stays in the table, without a key, until the last region has gone.
final class SharedSegment: InterProcessObject, @unchecked Sendable {
  /// What the mode has above the permissions.
  static var removedFlag: UInt32 { 0o1000 }  // SHM_DEST
  static var lockedFlag: UInt32 { 0o2000 }  // SHM_LOCKED

  /// In bytes, as shmget was given it.
  let size: UInt64
  let store: PageStore
  let creatorProcess = InterProcess.caller
  /// The key that it was made with, which names it where it is mapped.
  let nameKey: Int32

  // Under the lock.

  private var lastProcess: Int32 = 0
  private var attachTime: Int64 = 0
  private var detachTime: Int64 = 0
  /// Calls of shmat that are under way.
  private var pendingCount = 0
  /// Who has locked it, and so is charged for it.
  private(set) var locker: UInt32 = 0

  /// `SharedSegments.take` has counted its pages.
  init(key: Int32, size: UInt64, mode: UInt32) {
    self.size = size
    store = PageStore(size: size)
    nameKey = key
    super.init(key: key, mode: mode)
  }

  deinit { SharedSegments.giveBack(pageCount) }

  var pageCount: UInt64 { (size + 4095) >> 12 }

  // MARK: Attachments

  /// Somebody is about to attach it.
  func beginAttachment() throws(Errno) {
    try lock.withLock { () throws(Errno) in
      try checkIsThere()
      pendingCount += 1
    }
  }

  /// He has attached it, or given up.
  func endAttachment() {
    lock.withLock { pendingCount -= 1 }
    endIfUnused()
  }

  /// A space maps it, or one more part of it.
  func noteAttachment() {
    lock.withLock {
      attachTime = InterProcessTime.now
      lastProcess = InterProcess.caller
    }
  }

  /// A region of it has gone. In any thread's context, with the lock of an address space held or none.
  func noteDetachment() {
    lock.withLock {
      detachTime = InterProcessTime.now
      lastProcess = InterProcess.caller
    }
  }

  /// Ends a segment that is to be removed once nobody uses it.
  func endIfUnused() {
    let isUnused = lock.withLock {
      guard permissions.mode & Self.removedFlag != 0, !isRemoved, pendingCount == 0, !store.isMapped else {
        return false
      }
      isRemoved = true
      return true
    }
    if isUnused { _ = InterProcess.segments.remove(self) }
  }

  /// IPC_RMID
  func remove() throws(Errno) {
    try lock.withLock { () throws(Errno) in
      try checkIsThere()
      permissions.mode |= Self.removedFlag
    }
    InterProcess.segments.removeKey(of: self)
    endIfUnused()
  }

  // MARK: Attributes

  var record: SharedSegmentRecord {
    let attachments = store.countRegions()
    return lock.withLock {
      var record = SharedSegmentRecord()
      record.permissions = InterProcessPermissionRecord(self)
      record.size = size
      record.attachTime = attachTime
      record.detachTime = detachTime
      record.changeTime = changeTime
      record.creatorProcess = creatorProcess
      record.lastProcess = lastProcess
      record.attachmentCount = UInt64(attachments)
      return record
    }
  }

  /// SHM_LOCK and SHM_UNLOCK. Nothing is ever swapped out, so that a mark is all there is to it.
  func setLocked(_ isLocked: Bool, by user: UInt32) throws(Errno) {
    try lock.withLock { () throws(Errno) in
      try checkIsThere()
      if isLocked {
        permissions.mode |= Self.lockedFlag
        locker = user
      } else {
        permissions.mode &= ~Self.lockedFlag
      }
    }
  }

  /// How many bytes of it are charged to a user who has locked it.
  func lockedBytes(of user: UInt32) -> UInt64 {
    lock.withLock { permissions.mode & Self.lockedFlag != 0 && locker == user ? pageCount << 12 : 0 }
  }
}

/// All segments together.
enum SharedSegments {
  /// Guards `pages`; innermost.
  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var storedPages: UInt64 = 0

  /// SHMMAX in bytes and SHMALL in pages (proc_sys_kernel(5)). Words that are read without a lock.
  nonisolated(unsafe) static var maximumSize: UInt64 = .max - (1 << 24)
  nonisolated(unsafe) static var maximumPages: UInt64 = .max - (1 << 24)

  /// The pages that segments could have at most.
  static var pages: UInt64 { lock.withLock { storedPages } }

  static func make(key: Int32, size: UInt64, flags: UInt64) throws(Errno) -> SharedSegment {
    let isHuge: UInt64 = 0o4000  // SHM_HUGETLB
    let isNotReserved: UInt64 = 0o10000  // SHM_NORESERVE
    guard size >= 1, size <= maximumSize else { throw .invalid }
    let pages = size >> 12 + (size & 4095 == 0 ? 0 : 1)
    guard pages << 12 >= size else { throw .noSpace }
    guard mayTake(pages) else { throw .noSpace }
    // There are no huge pages.
    if flags & isHuge != 0 { throw .outOfMemory }
    guard size <= PageStore.maximumSize else { throw .invalid }
    if flags & isNotReserved == 0, !AddressSpace.isPlausible(size) { throw .outOfMemory }
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    guard take(pages) else { throw .noSpace }
    return SharedSegment(key: key, size: size, mode: UInt32(truncatingIfNeeded: flags))
  }

  private static func mayTake(_ pages: UInt64) -> Bool {
    lock.withLock { storedPages <= maximumPages && pages <= maximumPages - storedPages }
  }

  private static func take(_ pages: UInt64) -> Bool {
    lock.withLock {
      guard storedPages <= maximumPages, pages <= maximumPages - storedPages else { return false }
      storedPages += pages
      return true
    }
  }

  /// A segment has ended.
  static func giveBack(_ pages: UInt64) { lock.withLock { storedPages -= pages } }

  static func segment(_ identifier: Int32) throws(Errno) -> SharedSegment {
    unsafeDowncast(try InterProcess.segments.object(identifier), to: SharedSegment.self)
  }
}

/// What an address space maps of a segment: gives /proc/PID/maps its name, and tells the segment of its attachments.
final class SegmentFile: OpenFile, @unchecked Sendable {
  private let segment: SharedSegment

  init(_ segment: SharedSegment) {
    self.segment = segment
    let node = FileNode(
      fileSystem: AnonymousFiles.memory, number: UInt64(segment.identifier), mode: .regular.with(permissions: 0o600))
    node.linkCount = 0
    super.init(node: node, flags: .readWrite)
  }

  override func putAnonymousPath(_ text: inout TextBuffer) -> Bool {
    text.put("/SYSV")
    text.put(hexadecimal: UInt64(UInt32(bitPattern: segment.nameKey)), digits: 8)
    text.put(" (deleted)")
    return true
  }

  override func mappingIsCopied() { segment.noteAttachment() }
  override func regionIsRemoved() { segment.noteDetachment() }

  override func mappingIsEnded() {
    segment.noteDetachment()
    segment.endIfUnused()
  }
}
