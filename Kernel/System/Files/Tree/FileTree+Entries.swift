import Core
import Machine

/// Making and removing names.
extension FileTree {
  /// Goes to the directory of a path's last component and finds that it may be made.
  ///
  /// - Parameter isDirectory: whether a slash may follow the name.
  /// - Throws: EEXIST, and ENOENT where a slash follows what is to be no directory.
  private static func prepareCreation(
    _ walk: inout PathWalk<PathLookup>, _ path: ByteView, _ lookup: PathLookup, isDirectory: Bool
  ) throws(Errno) {
    try walk.resolve(path, for: .parent)
    guard case .name = walk.end else { throw .exists }
    var isMissing = false
    do throws(Errno) {
      _ = try lookup.child(of: walk.place, named: walk.name)
    } catch {
      guard error == .noEntry else { throw error }
      isMissing = true
    }
    guard isMissing else { throw .exists }
    if walk.hasTrailingSlash, !isDirectory { throw .noEntry }
    guard walk.place.node.fileSystem.makesFiles else { throw .noEntry }
    try checkCreation(in: walk.place, lookup.identity)
  }

  /// mkdir(2) and mknod(2): a new file of any type but a symbolic link.
  ///
  /// - Parameter mode: with the permissions that the umask leaves.
  @discardableResult
  static func makeNode(
    _ path: ByteView, from start: Path, _ lookup: PathLookup, mode: FileMode, deviceNumber: UInt64 = 0
  ) throws(Errno) -> Path {
    changes.acquire()
    defer { changes.release() }
    var walk = PathWalk(lookup, from: start)
    try prepareCreation(&walk, path, lookup, isDirectory: mode.isDirectory)
    // Character device 0:0 is no device but a mark of file systems that lie over others: anybody may make one.
    let isMark = mode.type == .characterDevice && deviceNumber == 0
    if mode.isDevice, !isMark, !lookup.identity.mayMakeDevices { throw .notPermitted }
    let node = try walk.place.node.fileSystem.makeNode(mode, deviceNumber: deviceNumber)
    return Path(walk.place.mount, try add(node, to: walk.place, walk.name, lookup.identity))
  }

  /// symlink(2)
  @discardableResult
  static func makeLink(
    to target: ByteView, _ path: ByteView, from start: Path, _ lookup: PathLookup
  ) throws(Errno) -> Path {
    changes.acquire()
    defer { changes.release() }
    var walk = PathWalk(lookup, from: start)
    try prepareCreation(&walk, path, lookup, isDirectory: false)
    let node = try walk.place.node.fileSystem.makeLink(to: target)
    return Path(walk.place.mount, try add(node, to: walk.place, walk.name, lookup.identity))
  }

  /// link(2)
  static func link(
    _ file: Path, to path: ByteView, from start: Path, _ lookup: PathLookup
  ) throws(Errno) {
    changes.acquire()
    defer { changes.release() }
    var walk = PathWalk(lookup, from: start)
    try prepareCreation(&walk, path, lookup, isDirectory: false)
    let node = file.node
    guard walk.place.mount === file.mount else { throw .crossDevice }
    if node.mode.isDirectory || !node.fileSystem.makesLinks { throw .notPermitted }
    if node.linkCount == 0, !node.isTemporary { throw .noEntry }
    if node.linkCount >= 0x7FFF_FFFF { throw .tooManyLinks }
    let entry = try DirectoryEntry(name: walk.name, node: node, parent: walk.place.entry)
    try walk.place.node.insert(entry)
    node.linkCount += 1
    // One name is all that a file without any gets.
    node.isTemporary = false
    node.statusChangeTime = FileTime.now
  }

  /// unlink(2)
  static func unlink(_ path: ByteView, from start: Path, _ lookup: PathLookup) throws(Errno) {
    changes.acquire()
    defer { changes.release() }
    var walk = PathWalk(lookup, from: start)
    try walk.resolve(path, for: .parent)
    guard case .name = walk.end else { throw .isDirectory }
    let directory = walk.place
    let entry = try directory.node.entry(named: walk.name, in: directory.entry)
    let node = entry.node
    if walk.hasTrailingSlash { throw node.mode.isDirectory ? .isDirectory : .notDirectory }
    try checkCreation(in: directory, lookup.identity)
    try lookup.identity.checkSticky(directory.node, node)
    if node.mode.isDirectory { throw .isDirectory }
    if node.mountCount != 0 { throw .busy }
    try directory.node.remove(entry)
    dropName(entry)
  }

  /// rmdir(2)
  static func removeDirectory(_ path: ByteView, from start: Path, _ lookup: PathLookup) throws(Errno) {
    changes.acquire()
    defer { changes.release() }
    var walk = PathWalk(lookup, from: start)
    try walk.resolve(path, for: .parent)
    switch walk.end {
    case .name: break
    case .dot: throw .invalid
    case .dotDot: throw .notEmpty
    case .root, .link: throw .busy
    }
    let directory = walk.place
    let entry = try directory.node.entry(named: walk.name, in: directory.entry)
    try checkCreation(in: directory, lookup.identity)
    try lookup.identity.checkSticky(directory.node, entry.node)
    guard entry.node.mode.isDirectory else { throw .notDirectory }
    if entry.node.mountCount != 0 || entry.node === lookup.root.node { throw .busy }
    guard entry.node.isEmptyDirectory else { throw .notEmpty }
    entry.node.markRemoved()
    try directory.node.remove(entry)
    dropName(entry)
  }

  /// A name has been taken out of its directory: the file has one fewer.
  private static func dropName(_ entry: DirectoryEntry) {
    entry.markRemoved()
    let node = entry.node
    if node.mode.isDirectory { node.linkCount = 0 } else { node.linkCount -= 1 }
    node.statusChangeTime = FileTime.now
  }

  // MARK: Renaming

  /// renameat2(2)'s flags.
  struct RenameFlags: OptionSet {
    let rawValue: UInt32

    static var noReplace: RenameFlags { RenameFlags(rawValue: 1) }
    static var exchange: RenameFlags { RenameFlags(rawValue: 2) }
  }

  /// rename(2)
  static func rename(
    _ oldPath: ByteView, from oldStart: Path, to newPath: ByteView, from newStart: Path, _ lookup: PathLookup,
    _ flags: RenameFlags
  ) throws(Errno) {
    changes.acquire()
    defer { changes.release() }
    var old = PathWalk(lookup, from: oldStart)
    try old.resolve(oldPath, for: .parent)
    var new = PathWalk(lookup, from: newStart)
    do throws(Errno) {
      try new.resolve(newPath, for: .parent)
    } catch {
      // That the old name is missing is found before the new one is looked at.
      if error == .nameTooLong, case .name = old.end {
        _ = try old.place.node.entry(named: old.name, in: old.place.entry)
      }
      throw error
    }
    guard old.place.mount === new.place.mount else { throw .crossDevice }
    guard case .name = old.end else { throw .busy }
    guard case .name = new.end else { throw flags.contains(.noReplace) ? .exists : .busy }
    let source = old.place
    let target = new.place
    let entry = try source.node.entry(named: old.name, in: source.entry)
    let node = entry.node
    var replaced: DirectoryEntry?
    do throws(Errno) {
      replaced = try target.node.entry(named: new.name, in: target.entry)
    } catch {
      guard error == .noEntry else { throw error }
    }
    if replaced != nil, flags.contains(.noReplace) { throw .exists }
    if flags.contains(.exchange) {
      guard let replaced else { throw .noEntry }
      if !replaced.node.mode.isDirectory, new.hasTrailingSlash { throw .notDirectory }
    }
    if !node.mode.isDirectory, old.hasTrailingSlash || !flags.contains(.exchange) && new.hasTrailingSlash {
      throw .notDirectory
    }
    // A directory does not come to lie in itself, nor in the place of one that it lies in.
    if isAncestor(entry, ofOrSame: target.entry) { throw .invalid }
    if let replaced, isAncestor(replaced, ofOrSame: source.entry) {
      throw flags.contains(.exchange) ? .invalid : .notEmpty
    }
    if let replaced, replaced.node === node { return }

    try checkCreation(in: source, lookup.identity)
    try lookup.identity.checkSticky(source.node, node)
    try checkCreation(in: target, lookup.identity)
    if let replaced {
      try lookup.identity.checkSticky(target.node, replaced.node)
      if !flags.contains(.exchange) {
        if node.mode.isDirectory, !replaced.node.mode.isDirectory { throw .notDirectory }
        if !node.mode.isDirectory, replaced.node.mode.isDirectory { throw .isDirectory }
      }
    }
    // A directory that moves gets another `..`.
    if source.node !== target.node {
      if node.mode.isDirectory { try lookup.identity.check(node, .write) }
      if flags.contains(.exchange), let replaced, replaced.node.mode.isDirectory {
        try lookup.identity.check(replaced.node, .write)
      }
    }
    if node.mountCount != 0 || (replaced?.node.mountCount ?? 0) != 0 { throw .busy }
    if flags.contains(.exchange), let replaced {
      try source.node.exchange(entry, with: replaced)
      replaced.node.statusChangeTime = FileTime.now
    } else {
      if let replaced, replaced.node.mode.isDirectory {
        guard replaced.node.isEmptyDirectory else { throw .notEmpty }
      }
      try source.node.move(entry, to: target.entry, named: new.name, replacing: replaced)
      if let replaced {
        if replaced.node.mode.isDirectory { replaced.node.markRemoved() }
        dropName(replaced)
      }
    }
    node.statusChangeTime = FileTime.now
  }

  /// Whether a directory is another one or lies above it. `changes` is held, so that nothing moves.
  private static func isAncestor(_ entry: DirectoryEntry, ofOrSame other: DirectoryEntry) -> Bool {
    guard entry.node.mode.isDirectory else { return false }
    var next: DirectoryEntry? = other
    while let candidate = next {
      if candidate.node === entry.node { return true }
      next = candidate.parent
    }
    return false
  }
}
