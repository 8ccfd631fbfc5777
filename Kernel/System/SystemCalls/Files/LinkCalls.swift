import Core
import Machine

/// Names of files: making, removing and changing them.
extension SystemCalls {
  /// readlink(2)
  static func readlink(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try readLink(AtFlags.workingDirectoryArgument, arguments.first, arguments.second, arguments.third)
  }

  /// readlinkat(2)
  static func readlinkat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try readLink(arguments.first, arguments.second, arguments.third, arguments.fourth)
  }

  private static func readLink(
    _ directory: UInt64, _ address: UInt64, _ buffer: UInt64, _ rawSize: UInt64
  ) throws(Errno) -> Int64 {
    let size = Int32(truncatingIfNeeded: rawSize)
    guard size > 0 else { throw .invalid }
    let flags = AtFlags.noFollow | (address == 0 ? 0 : AtFlags.emptyPath)
    let node = try findNode(directory, address, flags).node
    guard node.mode.isSymbolicLink else {
      // An empty path was for a link that O_PATH opened.
      if let first: UInt8 = UserMemory.load(0, from: address), first == 0 { throw .noEntry }
      throw .invalid
    }
    guard let memory = KernelHeap.allocate(size: PathLimits.path, alignment: 8) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    let length = try node.readLink(into: UnsafeMutableRawBufferPointer(start: memory, count: PathLimits.path))
    node.stampAccessed()
    let count = min(length, Int(size))
    guard UserMemory.copyOut(memory, to: buffer, count: count) else { throw .badAddress }
    return Int64(count)
  }

  /// mkdir(2)
  static func mkdir(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try makeDirectory(AtFlags.workingDirectoryArgument, arguments.first, arguments.second)
  }

  /// mkdirat(2)
  static func mkdirat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try makeDirectory(arguments.first, arguments.second, arguments.third)
  }

  private static func makeDirectory(_ directory: UInt64, _ address: UInt64, _ mode: UInt64) throws(Errno) -> Int64 {
    let path = try UserPath(address)
    let lookup = lookup
    let permissions = UInt32(truncatingIfNeeded: mode) & 0o1777 & ~fileSystem.umask
    try FileTree.makeNode(
      path.view, from: start(directory, path.view, lookup), lookup, mode: .directory.with(permissions: permissions))
    return 0
  }

  /// mknod(2)
  static func mknod(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try makeNode(AtFlags.workingDirectoryArgument, arguments.first, arguments.second, arguments.third)
  }

  /// mknodat(2)
  static func mknodat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try makeNode(arguments.first, arguments.second, arguments.third, arguments.fourth)
  }

  private static func makeNode(
    _ directory: UInt64, _ address: UInt64, _ rawMode: UInt64, _ device: UInt64
  ) throws(Errno) -> Int64 {
    var mode = FileMode(rawValue: UInt32(truncatingIfNeeded: rawMode) & 0o177777 & ~fileSystem.umask)
    if mode.type.rawValue == 0 { mode.rawValue |= FileMode.regular.rawValue }
    switch mode.type {
    case .regular, .fifo, .socket, .characterDevice, .blockDevice: break
    case .directory: throw .notPermitted
    default: throw .invalid
    }
    let path = try UserPath(address)
    let lookup = lookup
    try FileTree.makeNode(
      path.view, from: start(directory, path.view, lookup), lookup, mode: mode,
      deviceNumber: mode.isDevice ? device & 0xFFFF_FFFF : 0)
    return 0
  }

  /// rmdir(2)
  static func rmdir(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try remove(AtFlags.workingDirectoryArgument, arguments.first, isDirectory: true)
  }

  /// unlink(2)
  static func unlink(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try remove(AtFlags.workingDirectoryArgument, arguments.first, isDirectory: false)
  }

  /// unlinkat(2)
  static func unlinkat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.third & 0xFFFF_FFFF & ~AtFlags.removeDirectory == 0 else { throw .invalid }
    return try remove(
      arguments.first, arguments.second, isDirectory: arguments.third & AtFlags.removeDirectory != 0)
  }

  private static func remove(_ directory: UInt64, _ address: UInt64, isDirectory: Bool) throws(Errno) -> Int64 {
    let path = try UserPath(address)
    let lookup = lookup
    let start = try start(directory, path.view, lookup)
    if isDirectory {
      try FileTree.removeDirectory(path.view, from: start, lookup)
    } else {
      try FileTree.unlink(path.view, from: start, lookup)
    }
    return 0
  }

  /// rename(2)
  static func rename(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try rename(
      AtFlags.workingDirectoryArgument, arguments.first, AtFlags.workingDirectoryArgument, arguments.second, 0)
  }

  /// renameat(2)
  static func renameat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try rename(arguments.first, arguments.second, arguments.third, arguments.fourth, 0)
  }

  /// renameat2(2)
  static func renameat2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try rename(arguments.first, arguments.second, arguments.third, arguments.fourth, arguments.fifth)
  }

  private static func rename(
    _ oldDirectory: UInt64, _ oldAddress: UInt64, _ newDirectory: UInt64, _ newAddress: UInt64, _ rawFlags: UInt64
  ) throws(Errno) -> Int64 {
    let flags = FileTree.RenameFlags(rawValue: UInt32(truncatingIfNeeded: rawFlags))
    // RENAME_WHITEOUT is for file systems that are laid over others.
    guard flags.rawValue & ~3 == 0, !flags.isSuperset(of: [.noReplace, .exchange]) else { throw .invalid }
    let old = try UserPath(oldAddress)
    let new = try UserPath(newAddress)
    let lookup = lookup
    let oldStart = try start(oldDirectory, old.view, lookup)
    let newStart: Path
    do throws(Errno) {
      newStart = try start(newDirectory, new.view, lookup)
    } catch {
      // What is wrong with the way to the old name is the first error.
      var walk = PathWalk(lookup, from: oldStart)
      try walk.resolve(old.view, for: .parent)
      throw error
    }
    try FileTree.rename(old.view, from: oldStart, to: new.view, from: newStart, lookup, flags)
    return 0
  }

  /// link(2)
  static func link(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try makeHardLink(
      AtFlags.workingDirectoryArgument, arguments.first, AtFlags.workingDirectoryArgument, arguments.second, 0)
  }

  /// linkat(2)
  static func linkat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try makeHardLink(arguments.first, arguments.second, arguments.third, arguments.fourth, arguments.fifth)
  }

  private static func makeHardLink(
    _ oldDirectory: UInt64, _ oldAddress: UInt64, _ newDirectory: UInt64, _ newAddress: UInt64, _ flags: UInt64
  ) throws(Errno) -> Int64 {
    guard flags & 0xFFFF_FFFF & ~(AtFlags.follow | AtFlags.emptyPath) == 0 else { throw .invalid }
    let findFlags = flags & AtFlags.emptyPath | (flags & AtFlags.follow == 0 ? AtFlags.noFollow : 0)
    guard let old = try findNode(oldDirectory, oldAddress, findFlags).place else { throw .crossDevice }
    let new = try UserPath(newAddress)
    let lookup = lookup
    try FileTree.link(old, to: new.view, from: start(newDirectory, new.view, lookup), lookup)
    return 0
  }

  /// symlink(2)
  static func symlink(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try makeLink(arguments.first, AtFlags.workingDirectoryArgument, arguments.second)
  }

  /// symlinkat(2)
  static func symlinkat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try makeLink(arguments.first, arguments.second, arguments.third)
  }

  private static func makeLink(_ target: UInt64, _ directory: UInt64, _ address: UInt64) throws(Errno) -> Int64 {
    let text = try UserPath(target)
    guard text.view.count > 0 else { throw .noEntry }
    let path = try UserPath(address)
    let lookup = lookup
    try FileTree.makeLink(to: text.view, path.view, from: start(directory, path.view, lookup), lookup)
    return 0
  }
}
