/// st_mode: the type of a file and its permissions (inode(7)).
public struct FileMode: Equatable, Sendable {
  public var rawValue: UInt32

  @inline(__always)
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static var socket: FileMode { FileMode(rawValue: 0o140000) }
  public static var symbolicLink: FileMode { FileMode(rawValue: 0o120000) }
  public static var regular: FileMode { FileMode(rawValue: 0o100000) }
  public static var blockDevice: FileMode { FileMode(rawValue: 0o060000) }
  public static var directory: FileMode { FileMode(rawValue: 0o040000) }
  public static var characterDevice: FileMode { FileMode(rawValue: 0o020000) }
  public static var fifo: FileMode { FileMode(rawValue: 0o010000) }

  /// S_ISUID, S_ISGID and S_ISVTX.
  public static var setUser: UInt32 { 0o4000 }
  public static var setGroup: UInt32 { 0o2000 }
  public static var sticky: UInt32 { 0o1000 }

  /// The type with no permissions.
  @inline(__always)
  public var type: FileMode { FileMode(rawValue: rawValue & 0o170000) }
  public var permissions: UInt32 { rawValue & 0o7777 }
  @inline(__always)
  public var isDirectory: Bool { type == .directory }
  @inline(__always)
  public var isRegular: Bool { type == .regular }
  @inline(__always)
  public var isSymbolicLink: Bool { type == .symbolicLink }
  public var isDevice: Bool { type == .characterDevice || type == .blockDevice }

  /// The same type with these permissions.
  public func with(permissions: UInt32) -> FileMode {
    FileMode(rawValue: rawValue & 0o170000 | permissions & 0o7777)
  }

  /// The type as directory entries name it (getdents(2), d_type).
  public var directoryEntryType: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 12 & 15) }
}
