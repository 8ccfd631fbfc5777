import Core
import Machine

/// The drivers, and the nodes of /dev that are there from the start.
enum DeviceNodes {
  /// While the machine comes up.
  static func registerDrivers() {
    CharacterDevices.register(MemoryDevices(), major: Int(MemoryDevices.major))
    CharacterDevices.register(SerialDevices(), major: Int(SerialDevices.major))
    CharacterDevices.register(TerminalAliases(), major: Int(TerminalAliases.major))
    CharacterDevices.register(PseudoTerminalDevices(), major: Int(PseudoTerminalDevices.major))
    PseudoTerminalFileSystem.initialize()
  }

  /// Makes the nodes of the devices, all that devtmpfs has.
  private static func addDevices(to directory: Path, _ lookup: PathLookup) throws(Errno) {
    func node(_ name: StaticString, _ major: UInt32, _ minor: UInt32, _ permissions: UInt32) throws(Errno) {
      try FileTree.makeNode(
        ByteView(name), from: directory, lookup, mode: .characterDevice.with(permissions: permissions),
        deviceNumber: DeviceNumber(major: major, minor: minor).rawValue)
    }
    let memory = MemoryDevices.major
    try node("null", memory, MemoryDevices.Minor.null, 0o666)
    try node("zero", memory, MemoryDevices.Minor.zero, 0o666)
    try node("full", memory, MemoryDevices.Minor.full, 0o666)
    try node("random", memory, MemoryDevices.Minor.random, 0o666)
    try node("urandom", memory, MemoryDevices.Minor.urandom, 0o666)
    try node("kmsg", memory, MemoryDevices.Minor.log, 0o644)
    let alias = TerminalAliases.major
    try node("tty", alias, TerminalAliases.Minor.controlling, 0o666)
    try node("console", alias, TerminalAliases.Minor.console, 0o600)
    try node("ptmx", alias, TerminalAliases.Minor.multiplexer, 0o666)
    try node("ttyS0", SerialDevices.major, SerialDevices.firstSerialMinor, 0o600)
    try node("ttyS1", SerialDevices.major, SerialDevices.firstSerialMinor + 1, 0o600)
  }

  /// Fills the first /dev, which is there without a mount: the devices, and what others find there once an init has
  /// prepared it.
  static func populate(_ directory: Path, _ lookup: PathLookup) throws(Errno) {
    try addDevices(to: directory, lookup)
    try FileTree.makeLink(to: ByteView("/proc/self/fd"), ByteView("fd"), from: directory, lookup)
    try FileTree.makeLink(to: ByteView("/proc/self/fd/0"), ByteView("stdin"), from: directory, lookup)
    try FileTree.makeLink(to: ByteView("/proc/self/fd/1"), ByteView("stdout"), from: directory, lookup)
    try FileTree.makeLink(to: ByteView("/proc/self/fd/2"), ByteView("stderr"), from: directory, lookup)
    try FileTree.makeNode(
      ByteView("shm"), from: directory, lookup, mode: .directory.with(permissions: 0o1777))
    try FileTree.makeNode(ByteView("pts"), from: directory, lookup, mode: .directory.with(permissions: 0o755))
  }

  nonisolated(unsafe) private static var storedRoot: DirectoryEntry?

  /// The root of devtmpfs, of which there is one, however often it is mounted.
  static var root: DirectoryEntry { storedRoot! }

  /// Makes devtmpfs. While the machine comes up.
  static func makeFileSystem() throws(Errno) {
    let fileSystem = MemoryFileSystem(typeName: "devtmpfs", magic: MemoryMagic.tmpfs)
    let root = fileSystem.makeRoot(permissions: 0o755)
    let path = Path(try Mount(root: root, source: ByteView("devtmpfs"), flags: []), root)
    try addDevices(to: path, PathLookup(root: path, identity: .root))
    storedRoot = root
  }
}
