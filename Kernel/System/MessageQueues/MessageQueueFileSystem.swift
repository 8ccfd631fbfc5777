import Core
import Machine

/// The file system `mqueue`: one for all, which mount(8) can show somewhere and whose root is where names of queues are.
final class MessageQueueFileSystem: FileSystem, @unchecked Sendable {
  nonisolated(unsafe) private static var storedRoot: Path?
  /// Mounted nowhere.
  static var root: Path { storedRoot.unsafelyUnwrapped }

  /// While the machine comes up.
  static func initialize() {
    MessageQueueAccounts.initialize()
    let fileSystem = MessageQueueFileSystem(device: makeDevice(), typeName: "mqueue")
    let directory = MessageQueueDirectory(
      fileSystem: fileSystem, number: fileSystem.makeNumber(), mode: .directory.with(permissions: 0o1777))
    directory.stampNew()
    do throws(Errno) {
      let mount = try Mount(root: DirectoryEntry(root: directory), source: ByteView("mqueue"), flags: [])
      storedRoot = Path(mount, mount.root)
    } catch {
      panic("not enough memory to start")
    }
  }

  /// Whoever makes a regular file makes a queue of the usual size. There are no others.
  override func makeNode(_ mode: FileMode, deviceNumber: UInt64) throws(Errno) -> FileNode {
    guard mode.isRegular else { throw .notPermitted }
    return try MessageQueue(fileSystem: self, number: makeNumber(), mode: mode, size: nil)
  }

  override var makesLinks: Bool { false }

  override var statistics: FileSystemStatistics {
    var statistics = FileSystemStatistics()
    statistics.magic = 0x1980_0202  // MQUEUE_MAGIC
    return statistics
  }

  /// mq_open(2), but for the descriptor.
  ///
  /// - Parameters:
  ///   - name: has been checked.
  ///   - permissions: of a new queue, without what the umask takes away.
  ///   - size: of a new queue; nil for the usual one.
  static func open(
    _ name: ByteView, _ flags: OpenFlags, permissions: UInt32, size: MessageQueueSize?
  ) throws(Errno) -> OpenFile {
    let identity = FileIdentity.current
    FileTree.changes.acquire()
    defer { FileTree.changes.release() }
    try identity.check(root.node, .execute)
    var found: DirectoryEntry?
    do throws(Errno) {
      found = try root.node.entry(named: name, in: root.entry)
    } catch {
      guard error == .noEntry else { throw error }
    }
    let entry: DirectoryEntry
    if let found {
      if flags.isSuperset(of: [.create, .exclusive]) { throw .exists }
      switch flags.rawValue & 3 {
      case 0: try identity.check(found.node, .read)
      case 1: try identity.check(found.node, .write)
      case 2: try identity.check(found.node, [.read, .write])
      default: throw .invalid
      }
      entry = found
    } else {
      guard flags.contains(.create) else { throw .noEntry }
      try FileTree.checkCreation(in: root, identity)
      let fileSystem = root.node.fileSystem
      let queue = try MessageQueue(
        fileSystem: fileSystem, number: fileSystem.makeNumber(), mode: .regular.with(permissions: permissions),
        size: size)
      entry = try FileTree.add(queue, to: root, name, identity)
    }
    if flags.contains(.direct) { throw .invalid }
    let passing: OpenFlags = [.create, .exclusive, .noControllingTerminal, .truncate, .closeOnExec]
    let file = try entry.node.open(flags.subtracting(passing))
    file.location = Path(root.mount, entry)
    return file
  }
}

/// The root of it: names come and go, and stay what they are.
final class MessageQueueDirectory: MemoryDirectory, @unchecked Sendable {
  override func move(
    _ entry: DirectoryEntry, to target: DirectoryEntry, named name: ByteView, replacing replaced: DirectoryEntry?
  ) throws(Errno) { throw .notPermitted }

  override func exchange(_ first: DirectoryEntry, with second: DirectoryEntry) throws(Errno) { throw .notPermitted }
}
