import Core
import Machine

/// The names of Unix sockets in the file system.
enum SocketPaths {
  /// Makes the file of a socket that is bound (unix(7)).
  static func make(_ path: [UInt8]) throws(Errno) -> FileNode {
    let context = SystemCalls.fileSystem
    let lookup = SystemCalls.lookup
    return try withView(of: path) { view throws(Errno) in
      let made = try FileTree.makeNode(
        view, from: start(view, lookup), lookup, mode: .socket.with(permissions: 0o777 & ~context.umask))
      return made.node
    }
  }

  /// The file that a path names; its owner may have forbidden to write to it.
  static func find(_ path: [UInt8]) throws(Errno) -> FileNode {
    let lookup = SystemCalls.lookup
    return try withView(of: path) { view throws(Errno) in
      let node = try FileTree.find(view, from: start(view, lookup), lookup, followsLast: true).node
      try lookup.identity.check(node, .write)
      return node
    }
  }

  /// Calls `body` with a path, of 108 bytes at most.
  private static func withView<Result>(
    of path: [UInt8], _ body: (ByteView) throws(Errno) -> Result
  ) throws(Errno) -> Result {
    var text = InlineArray<108, UInt8>(repeating: 0)
    for index in 0..<min(path.count, 108) { text[index] = path[index] }
    return try withUnsafeBytes(of: text) { bytes throws(Errno) in
      try body(ByteView(UnsafeRawBufferPointer(rebasing: bytes[0..<min(path.count, 108)])))
    }
  }

  private static func start(_ path: ByteView, _ lookup: PathLookup) throws(Errno) -> Path {
    try SystemCalls.start(AtFlags.workingDirectoryArgument, path, lookup)
  }
}
