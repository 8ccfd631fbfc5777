import Core
import Machine

/// The types of file systems that mount(2) knows, by their names.
enum FileSystemTypes {
  /// The root of a file system, new or the one that there is of its type.
  ///
  /// - Throws: ENODEV for an unknown type.
  static func makeRoot(_ name: ByteView, _ options: MountOptions) throws(Errno) -> DirectoryEntry {
    if name == "tmpfs" { return try makeMemory("tmpfs", MemoryMagic.tmpfs, permissions: 0o1777, options) }
    if name == "ramfs" { return try makeMemory("ramfs", MemoryMagic.ramfs, permissions: 0o755, options) }
    if name == "proc" { return ProcFileSystem.shared.root }
    if name == "devtmpfs" { return DeviceNodes.root }
    if name == "devpts" { return PseudoTerminalFileSystem.makeRoot(options) }
    if name == "sysfs" { return SystemFileSystem.shared.root }
    throw .noDevice
  }

  /// Writes /proc/filesystems.
  static func writeNames(to text: inout TextBuffer) {
    text.put("nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tramfs\nnodev\tdevtmpfs\nnodev\tdevpts\n")
  }

  private static func makeMemory(
    _ name: StaticString, _ magic: UInt64, permissions: UInt32, _ options: MountOptions
  ) throws(Errno) -> DirectoryEntry {
    try MemoryFileSystem.checkMemory()
    let fileSystem = MemoryFileSystem(typeName: name, magic: magic)
    let root = fileSystem.makeRoot(permissions: options.permissions ?? permissions)
    root.node.owner = options.owner ?? FileIdentity.current.user
    root.node.group = options.group ?? FileIdentity.current.group
    fileSystem.keep(root)
    return root
  }
}

/// What mount(2)'s last argument asks for, of what file systems in memory know (tmpfs(5)).
struct MountOptions {
  private(set) var permissions: UInt32?
  private(set) var owner: UInt32?
  private(set) var group: UInt32?
  /// Those of ptmx in devpts.
  private(set) var multiplexerPermissions: UInt32?

  /// - Parameter address: of the text in user memory, or 0.
  /// - Throws: EINVAL for a value that is no number; what is not known is ignored.
  init(_ address: UInt64) throws(Errno) {
    if address == 0 { return }
    let text = try UserPath(address)
    var rest = text.view
    while !rest.isEmpty {
      let length = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.count
      if let option = rest.slice(at: 0, count: length) { try take(option) }
      rest = rest.suffix(from: length + 1) ?? ByteView("")
    }
  }

  private mutating func take(_ option: ByteView) throws(Errno) {
    func number(after name: StaticString, radix: UInt64) throws(Errno) -> UInt32? {
      guard option.hasPrefix(name) else { return nil }
      guard let value = option.suffix(from: name.utf8CodeUnitCount)?.unsignedInteger(radix: radix),
        value <= UInt64(UInt32.max)
      else { throw .invalid }
      return UInt32(value)
    }
    if let value = try number(after: "mode=", radix: 8) { permissions = value & 0o7777 }
    if let value = try number(after: "ptmxmode=", radix: 8) { multiplexerPermissions = value & 0o7777 }
    if let value = try number(after: "uid=", radix: 10) { owner = value }
    if let value = try number(after: "gid=", radix: 10) { group = value }
  }
}
