import Core
import Machine

/// Opening and closing.
extension SystemCalls {
  /// open(2)
  static func open(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try open(
      AtFlags.workingDirectoryArgument, arguments.first, UInt32(truncatingIfNeeded: arguments.second),
      mode: arguments.third)
  }

  /// openat(2)
  static func openat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try open(
      arguments.first, arguments.second, UInt32(truncatingIfNeeded: arguments.third), mode: arguments.fourth)
  }

  /// creat(2)
  static func creat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags: OpenFlags = [.writeOnly, .create, .truncate]
    return try open(
      AtFlags.workingDirectoryArgument, arguments.first, flags.rawValue, mode: arguments.second)
  }

  private static func open(
    _ directory: UInt64, _ address: UInt64, _ rawFlags: UInt32, mode: UInt64
  ) throws(Errno) -> Int64 {
    // Flags that are not known are ignored; only openat2 refuses them.
    var flags = OpenFlags(rawValue: rawFlags & OpenFlags.known)
    let request = try openRequest(&flags, mode: UInt32(truncatingIfNeeded: mode) & 0o7777)
    return try open(directory, address, request)
  }

  private static func open(
    _ directory: UInt64, _ address: UInt64, _ request: FileTree.OpenRequest
  ) throws(Errno) -> Int64 {
    let path = try UserPath(address)
    let lookup = lookup
    // What absolute paths begin at is the directory then.
    return try addDescriptor(closesOnExec: request.flags.contains(.closeOnExec)) { () throws(Errno) in
      try FileTree.open(
        path.view, from: start(directory, request.restrictions.contains(.inRoot) ? ByteView("x") : path.view, lookup),
        lookup, request)
    }
  }

  /// Checks flags against each other.
  private static func openRequest(
    _ flags: inout OpenFlags, mode: UInt32
  ) throws(Errno) -> FileTree.OpenRequest {
    if flags.contains(.path) {
      flags.formIntersection([.path, .directory, .noFollow, .closeOnExec])
      return FileTree.OpenRequest(flags: flags)
    }
    if flags.contains(.temporary) {
      guard flags.contains(.directory), flags.rawValue & 3 != 0, !flags.contains(.create) else { throw .invalid }
    } else if flags.isSuperset(of: [.create, .directory]) {
      throw .invalid
    }
    guard flags.contains(.create) || flags.contains(.temporary) else { return FileTree.OpenRequest(flags: flags) }
    return FileTree.OpenRequest(flags: flags, permissions: mode & ~fileSystem.umask)
  }

  /// openat2(2)
  static func openat2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let size = arguments.fourth
    guard size >= 24 else { throw .invalid }
    guard size <= 4096 else { throw .argumentsTooLong }
    guard let how = UserMemory.load((UInt64(0), UInt64(0), UInt64(0)), from: arguments.third) else {
      throw .badAddress
    }
    // What is behind the structure that this kernel knows has to be zeros.
    for offset in 24..<max(size, 24) {
      guard let byte = UserMemory.load(UInt8(0), from: arguments.third &+ offset) else { throw .badAddress }
      if byte != 0 { throw .argumentsTooLong }
    }
    guard how.0 & ~UInt64(OpenFlags.known) == 0, how.2 & ~0x3F == 0 else { throw .invalid }
    var restrictions = PathRestrictions(rawValue: how.2 & 0x1F)
    if restrictions.isSuperset(of: [.beneath, .inRoot]) { throw .invalid }
    if restrictions.contains(.noLinks) { restrictions.insert(.noMagicLinks) }
    var flags = OpenFlags(rawValue: UInt32(how.0))
    let makes = flags.contains(.create) || flags.contains(.temporary)
    guard how.1 == 0 || makes && how.1 & ~0o7777 == 0 else { throw .invalid }
    if flags.contains(.path), !flags.isSubset(of: [.path, .directory, .noFollow, .closeOnExec]) {
      throw .invalid
    }
    // RESOLVE_CACHED: nothing here ever waits for a disk, but what makes a file is refused as on Linux.
    if how.2 & 0x20 != 0, makes || flags.contains(.truncate) { throw .tryAgain }
    var request = try openRequest(&flags, mode: UInt32(how.1))
    request.restrictions = restrictions
    return try open(arguments.first, arguments.second, request)
  }

  /// close(2)
  static func close(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try Scheduler.current.pointee.process!.files.close(Int32(truncatingIfNeeded: arguments.first))
    return 0
  }

  /// close_range(2)
  static func close_range(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let first = UInt32(truncatingIfNeeded: arguments.first)
    let last = UInt32(truncatingIfNeeded: arguments.second)
    let flags = UInt32(truncatingIfNeeded: arguments.third)
    guard flags & ~6 == 0, first <= last else { throw .invalid }
    let process = Scheduler.current.pointee.process!
    // CLOSE_RANGE_UNSHARE
    if flags & 2 != 0 { try process.unshareFiles() }
    process.files.close(first...last, onExec: flags & 4 != 0)
    return 0
  }
}

extension OpenFlags {
  /// All that Linux knows.
  static var known: UInt32 { 0o37777703 }
}
