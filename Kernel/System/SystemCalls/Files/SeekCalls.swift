import Core
import Machine

extension SystemCalls {
  /// lseek(2)
  static func lseek(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let whence = Int32(truncatingIfNeeded: arguments.third)
    let file = try file(arguments.first)
    guard whence >= 0, whence <= Whence.hole else { throw .invalid }
    return try file.seek(Int64(bitPattern: arguments.second), whence)
  }

  /// truncate(2)
  static func truncate(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard Int64(bitPattern: arguments.second) >= 0 else { throw .invalid }
    let path = try find(AtFlags.workingDirectoryArgument, arguments.first)
    if path.node.mode.isDirectory { throw .isDirectory }
    guard path.node.mode.isRegular else { throw .invalid }
    try FileIdentity.current.check(path.node, .write)
    try FileTree.checkWritable(path.mount)
    try path.node.checkIsNotRunning()
    try truncate(path.node, to: arguments.second)
    return 0
  }

  /// ftruncate(2)
  static func ftruncate(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard Int64(bitPattern: arguments.second) >= 0 else { throw .invalid }
    let file = try file(arguments.first)
    guard file.node.mode.isRegular, file.flags.isWritable else { throw .invalid }
    try truncate(file.node, to: arguments.second)
    return 0
  }

  private static func truncate(_ node: FileNode, to size: UInt64) throws(Errno) {
    try FileSizeLimit.check(size, current: UInt64(node.size))
    try node.truncate(to: Int64(size))
    FileAttributes.dropSetIDBits(of: node)
  }

  /// fallocate(2)
  static func fallocate(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let start = Int64(bitPattern: arguments.third)
    let count = Int64(bitPattern: arguments.fourth)
    let file = try file(arguments.first)
    guard start >= 0, count > 0 else { throw .invalid }
    let mode = try FileAllocationMode.decode(UInt32(truncatingIfNeeded: arguments.second))
    guard file.flags.isWritable else { throw .badFile }
    switch file.node.mode.type {
    case .fifo: throw .illegalSeek
    case .directory: throw .isDirectory
    case .regular: break
    default: throw .noDevice
    }
    let (end, overflows) = start.addingReportingOverflow(count)
    guard !overflows, UInt64(end) <= PageStore.maximumSize else { throw .fileTooLarge }
    guard let mode else { throw .notSupported }
    if mode != .punchHole { try FileSizeLimit.check(UInt64(end), current: UInt64(file.node.size)) }
    try file.node.allocate(UInt64(start)..<UInt64(end), mode)
    return 0
  }

  // MARK: What a disk would need

  /// sync(2): all there is is in memory.
  static func sync() -> Int64 { 0 }

  /// fsync(2) and fdatasync(2)
  static func fsync(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    switch try file(arguments.first).node.mode.type {
    case .regular, .directory, .blockDevice: return 0
    default: throw .invalid
    }
  }

  /// syncfs(2)
  static func syncfs(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    _ = try file(arguments.first)
    return 0
  }

  /// sync_file_range(2)
  static func sync_file_range(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    let start = Int64(bitPattern: arguments.second)
    let count = Int64(bitPattern: arguments.third)
    guard arguments.fourth & ~7 == 0, start >= 0, count >= 0, !start.addingReportingOverflow(count).overflow else {
      throw .invalid
    }
    switch file.node.mode.type {
    case .regular, .directory, .blockDevice, .symbolicLink: return 0
    default: throw .illegalSeek
    }
  }

  /// posix_fadvise(2)
  static func fadvise64(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    if file.node.mode.type == .fifo { throw .illegalSeek }
    guard Int64(bitPattern: arguments.third) >= 0, arguments.fourth <= 5 else { throw .invalid }
    return 0
  }

  /// readahead(2)
  static func readahead(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    guard file.flags.isReadable else { throw .badFile }
    guard file.node.mode.isRegular, Int64(bitPattern: arguments.third) >= 0 else { throw .invalid }
    return 0
  }
}
