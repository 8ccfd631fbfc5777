import Core
import Machine

/// The names of Unix sockets in the file system.
enum SocketPaths {
  /// Makes the file of a socket that is bound (unix(7)).
  static func make(_ path: [UInt8]) throws(Errno) -> FileNode { throw .readOnlyFileSystem }

  /// The file that a path names.
  static func find(_ path: [UInt8]) throws(Errno) -> FileNode { throw .noEntry }
}
