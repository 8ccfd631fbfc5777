import Core
import Machine

/// Directories, and where a process is.
extension SystemCalls {
  /// getdents64(2)
  static func getdents64(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try listDirectory(arguments, isOldForm: false)
  }

  /// getdents(2)
  static func getdents(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try listDirectory(arguments, isOldForm: true)
  }

  private static func listDirectory(_ arguments: SystemCallArguments, isOldForm: Bool) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    let size = Int(min(UInt32(truncatingIfNeeded: arguments.third), 4096))
    guard UserMemory.contains(arguments.second, count: size) else { throw .badAddress }
    guard let memory = KernelHeap.allocate(size: max(size, 1), alignment: 8) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    var listing = DirectoryListing(
      UnsafeMutableRawBufferPointer(start: memory, count: size), isOldForm: isOldForm)
    let before = file.offset
    try file.readDirectory(into: &listing)
    if listing.count == 0 {
      if listing.isFull { throw .invalid }
      return 0
    }
    guard UserMemory.copyOut(memory, to: arguments.second, count: listing.count) else {
      file.offset = before
      throw .badAddress
    }
    return Int64(listing.count)
  }

  /// getcwd(2), the raw call: returns the length with the zero.
  static func getcwd(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard let memory = KernelHeap.allocate(size: PathLimits.path, alignment: 8) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    let context = fileSystem
    let buffer = UnsafeMutableRawBufferPointer(start: memory, count: PathLimits.path)
    buffer[PathLimits.path - 1] = 0
    let result = try PathText.write(
      context.workingDirectory, from: context.root,
      into: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<PathLimits.path - 1]))
    if result.isRemoved { throw .noEntry }
    var start = result.start
    if !result.isReachable {
      let prefix = ByteView("(unreachable)")
      guard start >= prefix.count else { throw .nameTooLong }
      start -= prefix.count
      (memory + start).copyMemory(from: prefix.base!, byteCount: prefix.count)
    }
    let length = PathLimits.path - start
    guard UInt64(length) <= arguments.second else { throw .outOfRange }
    guard UserMemory.copyOut(memory + start, to: arguments.first, count: length) else { throw .badAddress }
    return Int64(length)
  }

  /// chdir(2)
  static func chdir(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let path = try find(AtFlags.workingDirectoryArgument, arguments.first)
    guard path.node.mode.isDirectory else { throw .notDirectory }
    try FileIdentity.current.check(path.node, .execute)
    fileSystem.workingDirectory = path
    return 0
  }

  /// fchdir(2)
  static func fchdir(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard let path = try anyFile(arguments.first).location, path.node.mode.isDirectory else { throw .notDirectory }
    try FileIdentity.current.check(path.node, .execute)
    fileSystem.workingDirectory = path
    return 0
  }

  /// chroot(2)
  static func chroot(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let path = try find(AtFlags.workingDirectoryArgument, arguments.first)
    guard path.node.mode.isDirectory else { throw .notDirectory }
    try FileIdentity.current.check(path.node, .execute)
    guard FileIdentity.current.mayAdministrate else { throw .notPermitted }
    fileSystem.root = path
    return 0
  }

  /// umask(2)
  static func umask(_ arguments: SystemCallArguments) -> Int64 {
    Int64(fileSystem.setMask(UInt32(truncatingIfNeeded: arguments.first)))
  }
}
