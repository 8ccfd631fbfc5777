import Core
import Machine

/// The tree of files as a whole: what opens and makes files by their paths.
enum FileTree {
  /// Held by whoever makes, removes or renames entries, or mounts: one at a time in the whole tree. Lookups do not
  /// take it.
  nonisolated(unsafe) private static var storedChanges: Mutex?
  static var changes: Mutex { storedChanges.unsafelyUnwrapped }

  /// While the machine comes up.
  static func initialize() { storedChanges = Mutex() }

  /// The file that a path names.
  static func find(
    _ path: ByteView, from start: Path, _ lookup: PathLookup, followsLast: Bool = true
  ) throws(Errno) -> Path {
    var walk = PathWalk(lookup, from: start)
    try walk.resolve(path, for: followsLast ? .file : .fileOrLink)
    return walk.found!
  }

  /// The file that a path names from the root of all, for the kernel itself.
  static func find(_ path: ByteView) throws(Errno) -> Path {
    let root = RootFileSystem.root
    return try find(path, from: root, PathLookup(root: root, identity: .root))
  }

  // MARK: Opening

  /// What open(2) is asked for.
  struct OpenRequest {
    var flags: OpenFlags
    /// Permissions of a new file, without what the umask takes away.
    var permissions: UInt32 = 0
    var restrictions: PathRestrictions = []
  }

  /// open(2)
  static func open(
    _ path: ByteView, from start: Path, _ lookup: PathLookup, _ request: OpenRequest
  ) throws(Errno) -> OpenFile {
    // Before a file is made that could not be opened.
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let flags = request.flags
    if flags.contains(.temporary) { return try openTemporary(path, from: start, lookup, request) }
    let creates = flags.contains(.create)
    let keepsLink = flags.contains(.noFollow) || flags.isSuperset(of: [.create, .exclusive])
    var walk = PathWalk(lookup, from: start, request.restrictions)
    try walk.resolve(
      path,
      for: creates ? (keepsLink ? .creationOrLink : .creation) : (keepsLink ? .fileOrLink : .file))
    if creates, case .name = walk.end, walk.hasTrailingSlash { throw .isDirectory }
    guard creates else { return try open(walk.found!, lookup.identity, flags, isNew: false) }
    var isNew = false
    let target: Path
    if let found = walk.found { target = found } else {
      target = try create(in: walk.place, walk.name, lookup, request, &isNew)
    }
    if !isNew {
      if flags.contains(.exclusive) { throw .exists }
      if target.node.mode.isDirectory { throw .isDirectory }
    }
    return try open(target, lookup.identity, flags, isNew: isNew)
  }

  /// Makes a regular file whose name was missing a moment ago.
  private static func create(
    in directory: Path, _ name: ByteView, _ lookup: PathLookup, _ request: OpenRequest, _ isNew: inout Bool
  ) throws(Errno) -> Path {
    changes.acquire()
    defer { changes.release() }
    do throws(Errno) {
      return try lookup.child(of: directory, named: name)
    } catch {
      guard error == .noEntry else { throw error }
    }
    guard directory.node.fileSystem.makesFiles else { throw .noEntry }
    try checkCreation(in: directory, lookup.identity)
    let node: FileNode
    do throws(Errno) {
      node = try directory.node.fileSystem.makeNode(
        .regular.with(permissions: request.permissions), deviceNumber: 0)
    } catch {
      throw error == .notPermitted ? .access : error
    }
    let entry = try add(node, to: directory, name, lookup.identity)
    isNew = true
    return Path(directory.mount, entry)
  }

  /// Opens a file that has been found (open(2), path_resolution(7)).
  ///
  /// - Parameter isNew: whether the call has made it: its permissions do not count then.
  static func open(_ path: Path, _ identity: FileIdentity, _ flags: OpenFlags, isNew: Bool) throws(Errno) -> OpenFile {
    let node = path.node
    var flags = flags
    if flags.contains(.directory), !node.mode.isDirectory { throw .notDirectory }
    if flags.contains(.path) {
      let file = PathFile(node: node, flags: flags.intersection([.path, .directory, .noFollow]))
      file.location = path
      return file
    }
    let truncates = flags.contains(.truncate) && node.mode.isRegular
    var access: FileAccess = []
    switch flags.rawValue & 3 {
    case 0: access = .read
    case 1: access = .write
    default: access = [.read, .write]
    }
    // To cut a file is to write it, and of a directory or a device the right is asked for as well.
    if flags.contains(.truncate) { access.insert(.write) }
    let writes = access.contains(.write)
    switch node.mode.type {
    case .symbolicLink: throw .tooManySymbolicLinks
    case .directory: if writes || flags.contains(.create) { throw .isDirectory }
    case .characterDevice, .blockDevice: if path.mount.flags.contains(.noDevices) { throw .access }
    case .regular: if writes, path.mount.flags.contains(.readOnly) { throw .readOnlyFileSystem }
    default: break
    }
    if !isNew { try identity.check(node, access) }
    if flags.contains(.noAccessTime), !identity.owns(node) { throw .notPermitted }
    if truncates { try node.checkIsNotRunning() }
    flags.subtract([.create, .exclusive, .truncate, .closeOnExec])
    flags.insert(.largeFile)
    let file = try node.open(flags)
    if truncates, !isNew {
      try node.truncate(to: 0)
      FileAttributes.dropSetIDBits(of: node)
    }
    file.flags.remove(.noControllingTerminal)
    file.location = path
    return file
  }

  /// /dev/console, for descriptors 0 to 2 of the programs that the kernel starts.
  static func openConsole() throws(Errno) -> OpenFile {
    try open(find(ByteView("/dev/console")), .root, .readWrite, isNew: false)
  }

  /// A file without a name in a directory (O_TMPFILE).
  private static func openTemporary(
    _ path: ByteView, from start: Path, _ lookup: PathLookup, _ request: OpenRequest
  ) throws(Errno) -> OpenFile {
    let directory = try find(path, from: start, lookup, followsLast: !request.flags.contains(.noFollow))
    guard directory.node.mode.isDirectory else { throw .notDirectory }
    try checkWritable(directory.mount)
    try lookup.identity.check(directory.node, [.write, .execute])
    let node: FileNode
    do throws(Errno) {
      node = try directory.node.fileSystem.makeNode(
        .regular.with(permissions: request.permissions), deviceNumber: 0)
    } catch {
      throw error == .notPermitted ? .notSupported : error
    }
    node.linkCount = 0
    node.isTemporary = !request.flags.contains(.exclusive)
    setOwner(of: node, in: directory.node, lookup.identity)
    // As Linux names it: by its number, and removed.
    let text: Message = "#\(node.number)"
    var bytes = InlineArray<24, UInt8>(repeating: 0)
    for index in 0..<min(text.count, 24) { bytes[index] = text[index] }
    let entry = try withUnsafeBytes(of: bytes) { name throws(Errno) in
      try DirectoryEntry(
        name: ByteView(UnsafeRawBufferPointer(rebasing: name[0..<text.count])), node: node, parent: directory.entry)
    }
    entry.markRemoved()
    var flags = request.flags.subtracting([.temporary, .directory])
    flags.remove(.create)
    let file = try open(Path(directory.mount, entry), lookup.identity, flags, isNew: true)
    // F_GETFL shows both bits of O_TMPFILE.
    file.flags.formUnion([.temporary, .directory])
    return file
  }

  // MARK: Making entries

  static func checkWritable(_ mount: Mount) throws(Errno) {
    if mount.flags.contains(.readOnly) { throw .readOnlyFileSystem }
  }

  /// Whether entries may be made in a directory, or taken out.
  static func checkCreation(in directory: Path, _ identity: FileIdentity) throws(Errno) {
    try checkWritable(directory.mount)
    guard !directory.node.isRemovedDirectory else { throw .noEntry }
    try identity.check(directory.node, [.write, .execute])
  }

  /// Gives a new file its first name. `changes` is held, the name is missing, and the caller may.
  static func add(
    _ node: FileNode, to directory: Path, _ name: ByteView, _ identity: FileIdentity
  ) throws(Errno) -> DirectoryEntry {
    setOwner(of: node, in: directory.node, identity)
    let entry = try DirectoryEntry(name: name, node: node, parent: directory.entry)
    try directory.node.insert(entry)
    return entry
  }

  /// A file made in a directory with the set-group-ID bit gets the directory's group (inode(7)).
  private static func setOwner(of node: FileNode, in directory: FileNode, _ identity: FileIdentity) {
    node.owner = identity.user
    node.group = identity.group
    guard directory.mode.rawValue & FileMode.setGroup != 0 else { return }
    node.group = directory.group
    if node.mode.isDirectory { node.mode.rawValue |= FileMode.setGroup }
  }
}
