import Core
import Machine

/// A file where it is: its name, and the mount by which it is reached. Linux's struct path.
public struct Path {
  let mount: Mount
  let entry: DirectoryEntry

  @inline(__always)
  init(_ mount: Mount, _ entry: DirectoryEntry) {
    self.mount = mount
    self.entry = entry
  }

  @inline(__always)
  var node: FileNode { entry.node }

  func isSame(as other: Path) -> Bool { mount === other.mount && entry.node === other.entry.node }
}

/// mount(2)'s flags that a mount keeps, with Linux's values.
struct MountFlags: OptionSet, Sendable {
  let rawValue: UInt64

  init(rawValue: UInt64) { self.rawValue = rawValue }

  static var readOnly: MountFlags { MountFlags(rawValue: 0x1) }
  static var noSetID: MountFlags { MountFlags(rawValue: 0x2) }
  static var noDevices: MountFlags { MountFlags(rawValue: 0x4) }
  static var noExecution: MountFlags { MountFlags(rawValue: 0x8) }
  static var noAccessTime: MountFlags { MountFlags(rawValue: 0x400) }
  static var noDirectoryAccessTime: MountFlags { MountFlags(rawValue: 0x800) }
  static var relativeAccessTime: MountFlags { MountFlags(rawValue: 0x20_0000) }

  /// Those that a mount keeps.
  static var kept: MountFlags {
    [
      .readOnly, .noSetID, .noDevices, .noExecution, .noAccessTime, .noDirectoryAccessTime, .relativeAccessTime,
    ]
  }
}

/// A file system, or part of one, at a place in the tree of files.
public final class Mount: @unchecked Sendable {
  let root: DirectoryEntry
  /// A number for /proc/self/mountinfo and statx.
  let identifier: UInt64
  /// What mount(2) was given as the source, for /proc/mounts.
  let source: DirectoryEntry
  /// A word that is read at any time.
  var flags: MountFlags
  /// Where it is mounted: nil for the first one of all, and after umount(2). Under the lock of `Mounts`.
  fileprivate(set) var point: Path?
  /// Whether it has been taken away. Under the lock of `Mounts`, as what follows: the next of those that go together,
  /// and where it was.
  fileprivate var isDetached = false
  fileprivate var nextDetached: Mount?
  fileprivate var formerPoint: Path?

  init(root: DirectoryEntry, source: ByteView, flags: MountFlags) throws(Errno) {
    self.root = root
    // Holds the text; it is in no directory.
    self.source = try DirectoryEntry(name: source, node: root.node, parent: root)
    self.flags = flags
    identifier = Mounts.makeIdentifier()
    root.node.fileSystem.mountCount.add(1)
  }

  /// Nobody's path leads through it any more.
  deinit {
    check(cpuPreemptionDisabled() == 0, "a mount ends while a spin lock is held")
    if root.node.fileSystem.mountCount.subtract(1) == 1 { root.node.fileSystem.release() }
  }

  var fileSystem: FileSystem { root.node.fileSystem }
}

/// All mounts: one tree of files for all processes.
enum Mounts {
  /// Guards the list, where each is mounted, and the nodes' `mountCount`.
  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var storedList: [Mount]?
  private static var list: [Mount] {
    get { storedList ?? [] }
    _modify {
      if storedList == nil { storedList = [] }
      yield &storedList!
    }
  }
  nonisolated(unsafe) private static var lastIdentifier = AtomicWord()
  private static var limit: Int { 10_000 }

  static func makeIdentifier() -> UInt64 { UInt64(lastIdentifier.add(1)) &+ 1 }

  /// The first one of all.
  static func addRoot(_ mount: Mount) { lock.withLock { list.append(mount) } }

  /// What is mounted on a file, and on that in turn; the file itself where nothing is.
  static func top(of path: Path) -> Path {
    var top = path
    while top.node.mountCount != 0 {
      let mounted: Mount? = lock.withLock { mountedLocked(on: top) }
      guard let mounted else { break }
      top = Path(mounted, mounted.root)
    }
    return top
  }

  private static func mountedLocked(on path: Path) -> Mount? {
    // The latest first.
    var index = list.count
    while index > 0 {
      index -= 1
      if let point = list[index].point, point.isSame(as: path) { return list[index] }
    }
    return nil
  }

  /// Where a mount is mounted.
  static func point(of mount: Mount) -> Path? { lock.withLock { mount.point } }

  /// Mounts on a file.
  ///
  /// - Throws: ENOSPC; EINVAL in a mount that has been taken away, in which nobody else could find it.
  static func add(_ mount: Mount, on path: Path) throws(Errno) {
    let failure: Errno? = lock.withLock {
      if list.count >= limit { return .noSpace }
      if path.mount.isDetached { return .invalid }
      mount.point = path
      path.node.mountCount += 1
      list.append(mount)
      return nil
    }
    if let failure { throw failure }
  }

  /// Mounts on a copy of a directory what is mounted below the original (MS_REC). `FileTree.changes` is held.
  ///
  /// - Parameter copy: the mount of the copy, which is mounted already, and itself not copied.
  static func copy(below source: Path, to copy: Mount) throws(Errno) {
    // Originals and their copies, of which those further up come first.
    var pairs: [(original: Mount, copy: Mount)] = [(source.mount, copy)]
    var index = 0
    while index < pairs.count {
      let pair = pairs[index]
      for original in all {
        guard let point = original.point, point.mount === pair.original, original !== copy else { continue }
        if index == 0, !isWithin(point.entry, source.entry) { continue }
        guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
        let new = try Mount(root: original.root, source: original.source.name, flags: original.flags)
        try add(new, on: Path(pair.copy, point.entry))
        pairs.append((original, new))
      }
      index += 1
    }
  }

  private static func isWithin(_ entry: DirectoryEntry, _ ancestor: DirectoryEntry) -> Bool {
    var next: DirectoryEntry? = entry
    while let candidate = next {
      if candidate.node === ancestor.node { return true }
      next = candidate.parent
    }
    return false
  }

  /// Moves a mount that is mounted somewhere to another place (MS_MOVE).
  static func move(_ mount: Mount, to path: Path) throws(Errno) {
    var old: Path?
    let isMoved = lock.withLock {
      old = mount.point
      guard let point = mount.point, !path.mount.isDetached else { return false }
      point.node.mountCount -= 1
      path.node.mountCount += 1
      mount.point = path
      // The latest on one place is on top.
      if let index = list.firstIndex(where: { $0 === mount }) { list.append(list.remove(at: index)) }
      return true
    }
    withExtendedLifetime(old) {}
    if !isMoved { throw .invalid }
  }

  /// Takes a mount away (umount2(2)). What is in it is given up once nobody uses it.
  ///
  /// - Parameters:
  ///   - identifier: the caller refers to the mount by nothing else: whoever does uses it.
  ///   - isLazy: whether it goes even while it is used (MNT_DETACH), with all that is mounted in it.
  /// - Throws: EBUSY, EINVAL.
  static func remove(_ identifier: UInt64, isLazy: Bool) throws(Errno) {
    var detached: Mount?
    let failure: Errno? = lock.withLock {
      guard let index = list.firstIndex(where: { $0.identifier == identifier }), list[index].point != nil else {
        return .invalid
      }
      if !isLazy, !isKnownUniquelyReferenced(&list[index]) { return .busy }
      if list.contains(where: { $0.point?.mount === list[index] }), !isLazy { return .busy }
      detach(at: index, &detached)
      // Mounts mostly come behind those that they are in.
      var hasFound = isLazy
      while hasFound {
        hasFound = false
        var index = 0
        while index < list.count {
          if list[index].point?.mount.isDetached ?? false {
            detach(at: index, &detached)
            hasFound = true
          } else {
            index += 1
          }
        }
      }
      return nil
    }
    if let failure { throw failure }
    // One by one with the lock released: much may end with each.
    while let mount = detached {
      detached = mount.nextDetached
      mount.nextDetached = nil
      mount.formerPoint = nil
    }
  }

  /// Takes a mount off the list. The lock is held.
  private static func detach(at index: Int, _ detached: inout Mount?) {
    let mount = list.remove(at: index)
    mount.formerPoint = mount.point
    mount.point?.node.mountCount -= 1
    mount.point = nil
    mount.isDetached = true
    mount.nextDetached = detached
    detached = mount
  }

  /// Whether something is mounted in a mount.
  static func hasChildren(_ mount: Mount) -> Bool {
    lock.withLock { list.contains { $0.point?.mount === mount } }
  }

  /// All mounts, in the order in which they were made.
  static var all: [Mount] { lock.withLock { list } }
}
