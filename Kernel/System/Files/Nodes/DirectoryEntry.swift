import Core
import Machine

/// A name of a file in a directory: Linux's dentry. The root of a file system has one too, with an empty name.
///
/// What paths, working directories and open files refer to, so that /proc and getcwd(2) can tell where they are
/// after a rename, and that they are gone after an unlink. A directory of a file system in memory keeps the
/// entries that it has; one that computes its files makes an entry for each lookup.
public final class DirectoryEntry: DirectoryTableEntry, @unchecked Sendable {
  let node: FileNode
  /// The directory's entry; nil for the root of a file system. Under `ties`, and stays after a removal.
  private var storedParent: DirectoryEntry?
  /// Whether the name has been removed. Under `ties`.
  private var isRemoved = false
  /// The name's bytes, this object's own. Changes under `ties`, `FileTree.changes` and the lock of the directory
  /// that holds the entry: with any of them it may be read.
  private var nameBytes: UnsafeMutableRawPointer?
  private var nameCount = 0
  public private(set) var nameHash: UInt32 = 0
  /// Under the lock of the directory that holds the entry.
  public var links = DirectoryTableLinks<DirectoryEntry>()

  /// Guards names and parents of all entries against renames. Inside of a directory's lock.
  nonisolated(unsafe) static var ties = SpinLock()

  /// The root of a file system.
  init(root node: FileNode) { self.node = node }

  init(name: ByteView, node: FileNode, parent: DirectoryEntry) throws(Errno) {
    self.node = node
    storedParent = parent
    nameBytes = try Self.copy(name)
    nameCount = name.count
    nameHash = NameHash.of(name)
  }

  deinit {
    if let nameBytes { KernelHeap.deallocate(nameBytes) }
    // Releases a chain of parents one by one. Each release of a parent comes to its own deinit: on a chain that nobody
    // else refers to, they would stand on the stack inside each other.
    var next = takeParent()
    while let entry = next {
      // The last reference is this one: the entry's own parent is for the next turn.
      next = referenceCount(of: entry.toOpaque()) == 1 ? entry._withUnsafeGuaranteedRef { $0.takeParent() } : nil
      entry.release()
    }
  }

  /// Takes the reference to the parent, of an entry that nobody else can reach.
  private func takeParent() -> Unmanaged<DirectoryEntry>? {
    guard let parent = storedParent else { return nil }
    let taken = Unmanaged.passRetained(parent)
    storedParent = nil
    return taken
  }

  /// Puts another parent in the place of the parent, of an entry that nobody can reach any more.
  ///
  /// - Returns: the parent that it had.
  func exchangeParent(_ parent: DirectoryEntry?) -> DirectoryEntry? {
    Self.ties.withLock {
      let old = storedParent
      storedParent = parent
      return old
    }
  }

  public var name: ByteView {
    guard let nameBytes else { return ByteView("") }
    return ByteView(base: nameBytes, count: nameCount)
  }

  var parent: DirectoryEntry? { Self.ties.withLock { storedParent } }

  /// The parent and whether the name is still there. `ties` is held.
  var parentWithTiesHeld: DirectoryEntry? { storedParent }
  var isRemovedWithTiesHeld: Bool { isRemoved }

  var hasBeenRemoved: Bool { Self.ties.withLock { isRemoved } }

  func markRemoved() { Self.ties.withLock { isRemoved = true } }

  /// The name as memory of its own, which `rename` takes.
  static func copy(_ name: ByteView) throws(Errno) -> UnsafeMutableRawPointer {
    guard let memory = KernelHeap.allocate(size: max(name.count, 1), alignment: 8) else { throw .outOfMemory }
    if let base = name.base { memory.copyMemory(from: base, byteCount: name.count) }
    return memory
  }

  /// Gives the entry, which is in no table, another name and directory.
  ///
  /// - Parameter bytes: from `copy`; taken over.
  func rename(_ bytes: UnsafeMutableRawPointer, count: Int, parent: DirectoryEntry) {
    var oldParent: DirectoryEntry? = parent
    let hash = NameHash.of(ByteView(base: bytes, count: count))
    let old: UnsafeMutableRawPointer? = Self.ties.withLock {
      let old = nameBytes
      nameBytes = bytes
      nameCount = count
      nameHash = hash
      swap(&oldParent, &storedParent)
      return old
    }
    if let old { KernelHeap.deallocate(old) }
    withExtendedLifetime(oldParent) {}
  }

  /// Has two entries, which are in no table, change names and directories.
  func exchangeNames(with other: DirectoryEntry) {
    Self.ties.withLock {
      swap(&nameBytes, &other.nameBytes)
      swap(&nameCount, &other.nameCount)
      swap(&nameHash, &other.nameHash)
      swap(&storedParent, &other.storedParent)
    }
  }
}
