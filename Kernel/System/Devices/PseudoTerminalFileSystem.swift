import Core
import Machine

/// devpts: a directory with a node for each pseudo-terminal, and ptmx (Linux's
/// Documentation/filesystems/devpts).
///
/// There is one, however often it is mounted.
final class PseudoTerminalFileSystem: FileSystem, @unchecked Sendable {
  nonisolated(unsafe) private static var stored: PseudoTerminalFileSystem?
  static var shared: PseudoTerminalFileSystem { stored! }

  nonisolated(unsafe) private static var storedRoot: PseudoTerminalDirectory?
  /// The directory of all.
  static var directory: PseudoTerminalDirectory { storedRoot! }

  /// While the machine comes up.
  static func initialize() {
    let fileSystem = PseudoTerminalFileSystem(device: FileSystem.makeDevice(), typeName: "devpts")
    stored = fileSystem
    storedRoot = PseudoTerminalDirectory(fileSystem)
  }

  /// An entry for its root directory, as mount(2) wants it.
  static func makeRoot(_ options: MountOptions) -> DirectoryEntry {
    permissions = options.permissions ?? 0o600
    user = options.owner
    group = options.group
    let multiplexer = directory.multiplexer
    multiplexer.mode = multiplexer.mode.with(permissions: options.multiplexerPermissions ?? 0o000)
    return DirectoryEntry(root: directory)
  }

  /// Mounts it while the machine comes up: by a directory of its own, so that a program can mount it there again.
  static func mount(on path: Path) throws(Errno) {
    let root = DirectoryEntry(root: PseudoTerminalDirectory(shared))
    let mount = try Mount(root: root, source: ByteView("devpts"), flags: [.noSetID, .noExecution])
    try Mounts.add(mount, on: path)
  }

  // What its nodes are like, by the latest mount's options. Words that are read at any time.
  nonisolated(unsafe) private static var permissions: UInt32 = 0o600
  nonisolated(unsafe) private static var user: UInt32?
  nonisolated(unsafe) private static var group: UInt32?

  /// open(2) of ptmx: a new pseudo-terminal's master.
  static func openMaster(_ node: FileNode, _ flags: OpenFlags) throws(Errno) -> OpenFile {
    let terminal = try PseudoTerminals.make()
    let identity = FileIdentity.current
    let slave = PseudoTerminalNode(shared, terminal.index, permissions: permissions)
    slave.owner = user ?? identity.user
    slave.group = group ?? identity.group
    terminal.node = slave
    return PseudoTerminalMaster(terminal, node: node, flags: flags.subtracting(.noControllingTerminal))
  }

  /// The node of a terminal in /dev/pts.
  func node(of terminal: PseudoTerminal) -> FileNode { terminal.node! }

  override var statistics: FileSystemStatistics {
    var statistics = FileSystemStatistics()
    statistics.magic = 0x1CD1
    return statistics
  }
}

/// /dev/pts
final class PseudoTerminalDirectory: FileNode, @unchecked Sendable {
  let multiplexer: FileNode

  init(_ fileSystem: FileSystem) {
    multiplexer = SpecialNode(
      fileSystem: fileSystem, number: 2, mode: .characterDevice.with(permissions: 0o000),
      deviceNumber: DeviceNumber(
        major: TerminalAliases.major, minor: TerminalAliases.Minor.multiplexer
      ).rawValue)
    super.init(fileSystem: fileSystem, number: 1, mode: .directory.with(permissions: 0o755))
    linkCount = 2
    stampNew()
    multiplexer.stampNew()
  }

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile { OpenDirectory(node: self, flags: flags) }

  override func lookUp(_ name: ByteView) throws(Errno) -> FileNode {
    if name == "ptmx" { return multiplexer }
    guard name.count <= 4, name.count > 0, name.count == 1 || name[0] != UInt8(ascii: "0") else {
      throw .noEntry
    }
    var index = 0
    for place in 0..<name.count {
      let digit = Int(name[place]) - 48
      guard digit >= 0, digit <= 9 else { throw .noEntry }
      index = index * 10 + digit
    }
    guard let node = PseudoTerminals.find(index)?.node else { throw .noEntry }
    return node
  }

  override func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) {
    if position <= 2, !listing.add(ByteView("ptmx"), number: 2, type: 2, position: 3) { return }
    var next = Int(max(position, 3)) - 3
    while let terminal = PseudoTerminals.first(from: next) {
      var digits = InlineArray<4, UInt8>(repeating: 0)
      var start = 4
      var rest = terminal.index
      repeat {
        start -= 1
        digits[start] = UInt8(rest % 10) + 48
        rest /= 10
      } while rest > 0
      let isAdded = withUnsafeBytes(of: digits) {
        listing.add(
          ByteView(UnsafeRawBufferPointer(rebasing: $0[start...])), number: UInt64(terminal.index) + 3,
          type: 2, position: Int64(terminal.index) + 4)
      }
      if !isAdded { return }
      next = terminal.index + 1
    }
  }
}

/// /dev/pts/N
final class PseudoTerminalNode: FileNode, @unchecked Sendable {
  private let index: Int

  init(_ fileSystem: FileSystem, _ index: Int, permissions: UInt32) {
    self.index = index
    super.init(
      fileSystem: fileSystem, number: UInt64(index) + 3,
      mode: .characterDevice.with(permissions: permissions))
    stampNew()
  }

  override var deviceNumber: UInt64 {
    DeviceNumber(major: PseudoTerminalDevices.major, minor: UInt32(index)).rawValue
  }

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile {
    guard let terminal = PseudoTerminals.find(index), terminal.node === self else { throw .inputOutput }
    return try terminal.openSlave(self, flags)
  }
}
