import Core
import Machine

/// The file systems of files that have no name: pipes, sockets, and descriptors that stand for something else.
enum AnonymousFiles {
  nonisolated(unsafe) private static var storedPipes: FileSystem?
  nonisolated(unsafe) private static var storedSockets: FileSystem?
  nonisolated(unsafe) private static var storedEvents: FileSystem?
  nonisolated(unsafe) private static var storedMemory: MemoryFileSystem?
  nonisolated(unsafe) private static var storedEventNode: FileNode?
  nonisolated(unsafe) private static var nextNumber = AtomicWord(1)

  static func initialize() {
    storedPipes = FileSystem(device: 0xC, typeName: "pipefs")
    storedSockets = FileSystem(device: 0x8, typeName: "sockfs")
    storedMemory = MemoryFileSystem(typeName: "tmpfs", magic: 0x0102_1994)
    let events = FileSystem(device: 0xD, typeName: "anon_inodefs")
    storedEvents = events
    storedEventNode = FileNode(fileSystem: events, number: makeNumber(), mode: FileMode(rawValue: 0o600))
  }

  static var pipes: FileSystem { storedPipes! }
  /// What memfd_create(2) makes its files in.
  static var memory: MemoryFileSystem { storedMemory! }
  static var sockets: FileSystem { storedSockets! }

  /// The node of all eventfds, timerfds and their like, which has no type (st_mode is 0600, as on Linux).
  static var eventNode: FileNode { storedEventNode! }

  /// A new file without a name, which is whoever's makes it.
  static func made<Node: FileNode>(_ node: Node) -> Node {
    let identity = FileIdentity.current
    node.owner = identity.user
    node.group = identity.group
    return node
  }

  /// An inode number.
  static func makeNumber() -> UInt64 { UInt64(nextNumber.add(1)) }
}
