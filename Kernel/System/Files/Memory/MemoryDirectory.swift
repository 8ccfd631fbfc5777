import Core
import Machine

/// A directory of a file system in memory.
class MemoryDirectory: FileNode, @unchecked Sendable {
  /// Guards `table` and the names in it. Of two directories, that of the lower inode number first.
  private var lock = SpinLock()
  private var table = DirectoryTable<DirectoryEntry>()
  private var isRemoved = false

  override init(fileSystem: FileSystem, number: UInt64, mode: FileMode) {
    super.init(fileSystem: fileSystem, number: number, mode: mode)
    linkCount = 2
  }

  deinit {
    // Entries refer to their parents: whoever gives a whole tree up has to cut it, see `clear`.
  }

  /// As tmpfs counts: 20 bytes for each entry.
  override var size: Int64 { Int64(table.count + 2) * 20 }

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile { OpenDirectory(node: self, flags: flags) }

  override func entry(named name: ByteView, in directory: DirectoryEntry) throws(Errno) -> DirectoryEntry {
    lock.acquire()
    let entry = table.find(name)
    lock.release()
    guard let entry else { throw .noEntry }
    return entry
  }

  override func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) {
    lock.acquire()
    defer { lock.release() }
    // Positions 0 and 1 are `.` and `..`; 2 is where the entries begin, and what is left of them after each is told by
    // its own position in the table, of which the first is 1.
    var next = table.newest(below: position == 2 ? .max : position - 2)
    while let entry = next {
      let node = entry.node
      guard
        listing.add(
          entry.name, number: node.number, type: node.mode.directoryEntryType,
          position: entry.links.position + 2)
      else { return }
      next = table.next(before: entry)
    }
  }

  override var isEmptyDirectory: Bool { lock.withLock { table.isEmpty } }
  override var isRemovedDirectory: Bool { isRemoved }
  override func markRemoved() { isRemoved = true }

  private static func allocateTable(_ count: Int) -> UnsafeMutableRawPointer? {
    Frames.freeCount > Frames.reserve * 2 ? KernelHeap.allocate(size: count, alignment: 64) : nil
  }

  override func insert(_ entry: DirectoryEntry) throws(Errno) {
    lock.withLock { table.insert(entry, allocate: Self.allocateTable) }
    if entry.node.mode.isDirectory { linkCount += 1 }
    stampModified()
  }

  override func remove(_ entry: DirectoryEntry) throws(Errno) {
    lock.withLock { table.remove(entry) }
    if entry.node.mode.isDirectory { linkCount -= 1 }
    stampModified()
  }

  override func move(
    _ entry: DirectoryEntry, to target: DirectoryEntry, named name: ByteView, replacing replaced: DirectoryEntry?
  ) throws(Errno) {
    let bytes = try DirectoryEntry.copy(name)
    let other = Self.directory(target.node)
    lockBoth(self, other)
    if let replaced { other.table.remove(replaced) }
    table.remove(entry)
    // The old name and the old parent are released here, with the locks held: the parent has its own entry or an
    // open file that keeps it, so that nothing ends with it.
    entry.rename(bytes, count: name.count, parent: target)
    other.table.insert(entry, allocate: Self.allocateTable)
    unlockBoth(self, other)
    let isDirectory = entry.node.mode.isDirectory
    if let replaced, replaced.node.mode.isDirectory { other.linkCount -= 1 }
    if isDirectory, self !== other {
      linkCount -= 1
      other.linkCount += 1
    }
    stampModified()
    if self !== other { other.stampModified() }
  }

  override func exchange(_ first: DirectoryEntry, with second: DirectoryEntry) throws(Errno) {
    guard let otherNode = second.parent?.node else { throw .busy }
    let other = Self.directory(otherNode)
    lockBoth(self, other)
    table.remove(first)
    other.table.remove(second)
    first.exchangeNames(with: second)
    table.insert(second, allocate: Self.allocateTable)
    other.table.insert(first, allocate: Self.allocateTable)
    unlockBoth(self, other)
    if self !== other {
      let difference = (second.node.mode.isDirectory ? 1 : 0) - (first.node.mode.isDirectory ? 1 : 0)
      linkCount = UInt32(Int(linkCount) + difference)
      other.linkCount = UInt32(Int(other.linkCount) - difference)
    }
    stampModified()
    if self !== other { other.stampModified() }
  }

  /// Takes all entries out, of directories below too: entries refer to their parents, so that a tree which nobody
  /// can reach any more would otherwise keep itself.
  func clear() {
    // Directories that are still to be looked through: linked, since a tree may be deeper than the stack.
    var pending: DirectoryEntry?
    takeEntries(&pending)
    while let entry = pending {
      pending = entry.exchangeParent(nil)
      Self.directory(entry.node).takeEntries(&pending)
    }
  }

  /// Takes all entries out; those of directories are put in front of `pending`.
  private func takeEntries(_ pending: inout DirectoryEntry?) {
    while true {
      lock.acquire()
      let entry = table.newest(below: .max)
      if let entry { table.remove(entry) }
      lock.release()
      guard let entry else { return }
      entry.markRemoved()
      if entry.node.mode.isDirectory {
        // The parent is this directory's, which is there still.
        _ = entry.exchangeParent(pending)
        pending = entry
      }
    }
  }

  /// All directories of a file system in memory are such: a rename between two file systems has been refused.
  private static func directory(_ node: FileNode) -> MemoryDirectory { unsafeDowncast(node, to: MemoryDirectory.self) }

  private func lockBoth(_ first: MemoryDirectory, _ second: MemoryDirectory) {
    if first === second { return first.lock.acquire() }
    let isOrdered = first.number < second.number
    (isOrdered ? first : second).lock.acquire()
    (isOrdered ? second : first).lock.acquire()
  }

  private func unlockBoth(_ first: MemoryDirectory, _ second: MemoryDirectory) {
    first.lock.release()
    if first !== second { second.lock.release() }
  }
}
