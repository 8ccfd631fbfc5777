/// A file, directory or other object in a cpio archive.
public struct CPIOEntry: Sendable {
  /// The path without `./` or `/` in front; empty for the root itself. Has no component `..`.
  public let name: ByteView
  public let inode: UInt32
  /// Type and permissions, as stat gives them.
  public let mode: UInt32
  public let uid: UInt32
  public let gid: UInt32
  /// How many entries share the inode. All but the last of them have no data.
  public let nlink: UInt32
  /// In seconds since 1970.
  public let mtime: UInt32
  public let deviceMajor: UInt32
  public let deviceMinor: UInt32
  /// For a device file, which device it means.
  public let rdevMajor: UInt32
  public let rdevMinor: UInt32
  /// The file's content, or the target of a symbolic link.
  public let data: ByteView

  public var isRegularFile: Bool { mode & 0o170000 == 0o100000 }
  public var isDirectory: Bool { mode & 0o170000 == 0o040000 }
  public var isSymbolicLink: Bool { mode & 0o170000 == 0o120000 }
}
