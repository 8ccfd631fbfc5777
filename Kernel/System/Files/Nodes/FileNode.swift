import Core
import Machine

/// A file as the file system knows it: Linux's inode. One object for each file, however many names it has.
///
/// The base class refuses every operation with the errno that Linux gives for a file of another kind; each kind
/// overrides what it can. Kept alive by its directory entries, open files and mappings.
///
/// All methods run in a thread that holds no spin lock: they may sleep and touch user memory.
public class FileNode: @unchecked Sendable {
  /// Where the file lives: its device number and what can be done there.
  let fileSystem: FileSystem
  /// The inode number, unique in `fileSystem`.
  let number: UInt64
  /// The file's type and permissions as st_mode has them (inode(7)).
  var mode: FileMode
  var owner: UInt32 = 0
  var group: UInt32 = 0
  var linkCount: UInt32 = 1
  /// Nanoseconds of the real-time clock since 1970.
  var accessTime: Int64 = 0
  var modificationTime: Int64 = 0
  var statusChangeTime: Int64 = 0

  init(fileSystem: FileSystem, number: UInt64, mode: FileMode) {
    self.fileSystem = fileSystem
    self.number = number
    self.mode = mode
  }

  /// st_size: bytes of a regular file, length of a symbolic link's target.
  var size: Int64 { 0 }
  /// st_rdev: which device a device node stands for (makedev(3), Linux's encoding).
  var deviceNumber: UInt64 { 0 }

  /// Makes an open file of it (open(2)), once permissions have been checked and `O_TRUNC` has been seen to.
  func open(_ flags: OpenFlags) throws(Errno) -> OpenFile { throw .noSuchDeviceOrAddress }

  /// Reads bytes into kernel memory: for exec and the kernel's own use.
  ///
  /// - Returns: how many; fewer than asked for only at the end of the file.
  func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int { throw .invalid }

  /// truncate(2)
  func truncate(to size: Int64) throws(Errno) { throw .invalid }

  // MARK: Directories

  /// The entry with this name, which is neither `.` nor `..`.
  func lookUp(_ name: ByteView) throws(Errno) -> FileNode { throw mode.isDirectory ? .noEntry : .notDirectory }

  // MARK: Symbolic links

  /// The target, copied into a buffer of PATH_MAX bytes (readlink(2)).
  ///
  /// - Returns: its length.
  func readLink(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int { throw .invalid }
}

/// st_mode: the type of a file and its permissions (inode(7)).
struct FileMode: Equatable, Sendable {
  var rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }

  static var socket: FileMode { FileMode(rawValue: 0o140000) }
  static var symbolicLink: FileMode { FileMode(rawValue: 0o120000) }
  static var regular: FileMode { FileMode(rawValue: 0o100000) }
  static var blockDevice: FileMode { FileMode(rawValue: 0o060000) }
  static var directory: FileMode { FileMode(rawValue: 0o040000) }
  static var characterDevice: FileMode { FileMode(rawValue: 0o020000) }
  static var fifo: FileMode { FileMode(rawValue: 0o010000) }

  /// The type with no permissions.
  var type: FileMode { FileMode(rawValue: rawValue & 0o170000) }
  var permissions: UInt32 { rawValue & 0o7777 }
  var isDirectory: Bool { type == .directory }
  var isRegular: Bool { type == .regular }
  var isSymbolicLink: Bool { type == .symbolicLink }

  /// The same type with these permissions.
  func with(permissions: UInt32) -> FileMode {
    FileMode(rawValue: rawValue & 0o170000 | permissions & 0o7777)
  }
}

/// A mounted file system: what the files in it have in common.
public class FileSystem: @unchecked Sendable {
  /// st_dev of its files.
  let device: UInt64
  /// As in /proc/mounts and mount(8) -t.
  let typeName: StaticString

  init(device: UInt64, typeName: StaticString) {
    self.device = device
    self.typeName = typeName
  }
}
