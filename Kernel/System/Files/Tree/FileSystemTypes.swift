import Core
import Machine

/// The types of file systems that mount(2) knows, by their names.
enum FileSystemTypes {
  /// The root of a file system, new or the one that there is of its type.
  ///
  /// - Throws: ENODEV for an unknown type.
  static func makeRoot(_ name: ByteView, _ options: MountOptions) throws(Errno) -> DirectoryEntry {
    if name == "tmpfs" {
      let limit = options.pageLimit ?? UInt64(Frames.totalCount) / 2
      return try makeMemory(
        "tmpfs", MemoryMagic.tmpfs, permissions: 0o1777, options, limit == 0 ? nil : PageBudget(limit: limit))
    }
    if name == "ramfs" { return try makeMemory("ramfs", MemoryMagic.ramfs, permissions: 0o755, options) }
    if name == "proc" { return ProcFileSystem.shared.root }
    if name == "devtmpfs" { return DeviceNodes.root }
    if name == "devpts" { return PseudoTerminalFileSystem.makeRoot(options) }
    if name == "sysfs" { return SystemFileSystem.shared.root }
    if name == "mqueue" { return MessageQueueFileSystem.root.entry }
    throw .noDevice
  }

  /// Writes /proc/filesystems.
  static func writeNames(to text: inout TextBuffer) {
    text.put("nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tramfs\nnodev\tdevtmpfs\nnodev\tdevpts\nnodev\tmqueue\n")
  }

  private static func makeMemory(
    _ name: StaticString, _ magic: UInt64, permissions: UInt32, _ options: MountOptions, _ budget: PageBudget? = nil
  ) throws(Errno) -> DirectoryEntry {
    try MemoryFileSystem.checkMemory()
    let fileSystem = MemoryFileSystem(typeName: name, magic: magic, budget: budget)
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
  /// How many pages files may have; 0 for as many as there are.
  private(set) var pageLimit: UInt64?
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

  /// A length in bytes, with k, m or g behind it, or a part of the memory in percent; in pages.
  private static func size(_ text: ByteView?) throws(Errno) -> UInt64 {
    guard let text, !text.isEmpty else { throw .invalid }
    let last = text[text.count - 1]
    var shift: UInt64? = nil
    switch last | 0x20 {
    case UInt8(ascii: "k"): shift = 10
    case UInt8(ascii: "m"): shift = 20
    case UInt8(ascii: "g"): shift = 30
    default: break
    }
    let isPart = last == UInt8(ascii: "%")
    let digits = isPart || shift != nil ? text.slice(at: 0, count: text.count - 1) : text
    guard let value = digits?.unsignedInteger(radix: 10), value < 1 << 33 else { throw .invalid }
    if isPart { return max(UInt64(Frames.totalCount) * value / 100, 1) }
    let bytes = value << (shift ?? 0)
    return bytes == 0 ? 0 : (bytes + 4095) >> 12
  }

  private mutating func take(_ option: ByteView) throws(Errno) {
    func number(after name: StaticString, radix: UInt64) throws(Errno) -> UInt32? {
      guard option.hasPrefix(name) else { return nil }
      guard let value = option.suffix(from: name.utf8CodeUnitCount)?.unsignedInteger(radix: radix),
        value <= UInt64(UInt32.max)
      else { throw .invalid }
      return UInt32(value)
    }
    if option.hasPrefix("size=") { pageLimit = try Self.size(option.suffix(from: 5)) }
    if let value = try number(after: "nr_blocks=", radix: 10) { pageLimit = UInt64(value) }
    if let value = try number(after: "mode=", radix: 8) { permissions = value & 0o7777 }
    if let value = try number(after: "ptmxmode=", radix: 8) { multiplexerPermissions = value & 0o7777 }
    if let value = try number(after: "uid=", radix: 10) { owner = value }
    if let value = try number(after: "gid=", radix: 10) { group = value }
  }
}
