import Core
import Machine

/// Mode, owner and times of files.
extension SystemCalls {
  // MARK: Mode

  /// chmod(2)
  static func chmod(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let path = try find(AtFlags.workingDirectoryArgument, arguments.first)
    return try setMode(of: path.node, path.mount, arguments.second)
  }

  /// fchmod(2)
  static func fchmod(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    return try setMode(of: file.node, file.location?.mount, arguments.second)
  }

  /// fchmodat(2), the call without flags
  static func fchmodat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let path = try find(arguments.first, arguments.second)
    return try setMode(of: path.node, path.mount, arguments.third)
  }

  /// fchmodat2, with the flags of fchmodat(3)
  static func fchmodat2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = arguments.fourth
    guard flags & 0xFFFF_FFFF & ~(AtFlags.noFollow | AtFlags.emptyPath) == 0 else { throw .invalid }
    let (node, place) = try findNode(arguments.first, arguments.second, flags)
    if node.mode.isSymbolicLink { throw .notSupported }
    return try setMode(of: node, place?.mount, arguments.third)
  }

  private static func setMode(of node: FileNode, _ mount: Mount?, _ rawMode: UInt64) throws(Errno) -> Int64 {
    if let mount { try FileTree.checkWritable(mount) }
    let identity = FileIdentity.current
    try node.checkAttributesAreChangeable()
    try FileAttributes.lock.withLock { () throws(Errno) in
      guard identity.owns(node) else { throw .notPermitted }
      var permissions = UInt32(truncatingIfNeeded: rawMode) & 0o7777
      if !identity.keepsSetIDBits, !identity.isMember(of: node.group) { permissions &= ~FileMode.setGroup }
      node.mode = node.mode.with(permissions: permissions)
      node.statusChangeTime = FileTime.now
    }
    return 0
  }

  // MARK: Owner

  /// chown(2)
  static func chown(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let path = try find(AtFlags.workingDirectoryArgument, arguments.first)
    return try setOwner(of: path.node, path.mount, arguments.second, arguments.third)
  }

  /// lchown(2)
  static func lchown(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let path = try find(AtFlags.workingDirectoryArgument, arguments.first, followsLast: false)
    return try setOwner(of: path.node, path.mount, arguments.second, arguments.third)
  }

  /// fchown(2)
  static func fchown(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    return try setOwner(of: file.node, file.location?.mount, arguments.second, arguments.third)
  }

  /// fchownat(2)
  static func fchownat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = arguments.fifth
    guard flags & 0xFFFF_FFFF & ~(AtFlags.noFollow | AtFlags.emptyPath) == 0 else { throw .invalid }
    let (node, place) = try findNode(arguments.first, arguments.second, flags)
    return try setOwner(of: node, place?.mount, arguments.third, arguments.fourth)
  }

  private static func setOwner(
    of node: FileNode, _ mount: Mount?, _ rawOwner: UInt64, _ rawGroup: UInt64
  ) throws(Errno) -> Int64 {
    if let mount { try FileTree.checkWritable(mount) }
    // -1 leaves one as it is.
    let owner = UInt32(truncatingIfNeeded: rawOwner)
    let group = UInt32(truncatingIfNeeded: rawGroup)
    let identity = FileIdentity.current
    try node.checkAttributesAreChangeable()
    try FileAttributes.lock.withLock { () throws(Errno) in
      if owner != .max, owner != node.owner || identity.user != node.owner, !identity.mayChangeOwner {
        throw .notPermitted
      }
      if group != .max, !identity.mayChangeOwner {
        guard identity.user == node.owner, group == node.group || identity.isMember(of: group) else {
          throw .notPermitted
        }
      }
      let mode = node.mode.isDirectory ? node.mode : FileAttributes.withoutSetIDBits(node.mode)
      // To take bits away is to change the mode, also where owner and group stay.
      if mode.rawValue != node.mode.rawValue, !identity.owns(node) { throw .notPermitted }
      if owner != .max { node.owner = owner }
      if group != .max { node.group = group }
      node.mode = mode
      node.statusChangeTime = FileTime.now
    }
    return 0
  }

  // MARK: Times

  /// What becomes of one of a file's times.
  private enum NewTime {
    case now
    case unchanged
    case time(Int64)

    /// UTIME_OMIT, in the nanoseconds.
    static var omission: Int64 { 0x3FFF_FFFE }
    /// UTIME_NOW
    static var nowRequest: TimeSpecification { TimeSpecification(seconds: 0, nanoseconds: 0x3FFF_FFFF) }

    /// As utimensat(2) has it.
    init(_ time: TimeSpecification) throws(Errno) {
      switch time.nanoseconds {
      case NewTime.nowRequest.nanoseconds: self = .now
      case NewTime.omission: self = .unchanged
      default:
        guard time.nanoseconds >= 0, time.nanoseconds < 1_000_000_000 else { throw .invalid }
        // Times are kept as 64 bits of nanoseconds: the years from 1678 to 2261.
        let seconds = min(max(time.seconds, -9_223_372_035), 9_223_372_035)
        self = .time(seconds * 1_000_000_000 + time.nanoseconds)
      }
    }

    var isNow: Bool { if case .now = self { true } else { false } }
  }

  /// utimensat(2); without a path, of the descriptor's file
  static func utimensat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = arguments.fourth
    var values = (NewTime.nowRequest, NewTime.nowRequest)
    if arguments.third != 0 {
      guard let access = UserMemory.load(TimeSpecification.zero, from: arguments.third),
        let modification = UserMemory.load(TimeSpecification.zero, from: arguments.third &+ 16)
      else { throw .badAddress }
      values = (access, modification)
      if access.nanoseconds == NewTime.omission, modification.nanoseconds == NewTime.omission { return 0 }
    }
    guard flags & 0xFFFF_FFFF & ~(AtFlags.noFollow | AtFlags.emptyPath) == 0 else { throw .invalid }
    let node: FileNode
    let mount: Mount?
    if arguments.second == 0, Int32(truncatingIfNeeded: arguments.first) != AtFlags.workingDirectory {
      guard flags & 0xFFFF_FFFF == 0 else { throw .invalid }
      let file = try file(arguments.first)
      node = file.node
      mount = file.location?.mount
    } else {
      let found = try findNode(arguments.first, arguments.second, flags)
      node = found.node
      mount = found.place?.mount
    }
    // A file that is not there is the error before a time that is none.
    return try setTimes(of: node, mount, (try NewTime(values.0), try NewTime(values.1)))
  }

  /// utime(2)
  static func utime(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var times: (NewTime, NewTime) = (.now, .now)
    if arguments.second != 0 {
      guard let seconds = UserMemory.load((Int64(0), Int64(0)), from: arguments.second) else { throw .badAddress }
      times = (
        try NewTime(TimeSpecification(seconds: seconds.0, nanoseconds: 0)),
        try NewTime(TimeSpecification(seconds: seconds.1, nanoseconds: 0))
      )
    }
    let path = try find(AtFlags.workingDirectoryArgument, arguments.first)
    return try setTimes(of: path.node, path.mount, times)
  }

  /// utimes(2)
  static func utimes(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try setTimes(AtFlags.workingDirectoryArgument, arguments.first, microseconds: arguments.second)
  }

  /// futimesat(2)
  static func futimesat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try setTimes(arguments.first, arguments.second, microseconds: arguments.third)
  }

  private static func setTimes(
    _ directory: UInt64, _ address: UInt64, microseconds: UInt64
  ) throws(Errno) -> Int64 {
    var times: (NewTime, NewTime) = (.now, .now)
    if microseconds != 0 {
      guard let values = UserMemory.load((Int64(0), Int64(0), Int64(0), Int64(0)), from: microseconds) else {
        throw .badAddress
      }
      guard values.1 >= 0, values.1 < 1_000_000, values.3 >= 0, values.3 < 1_000_000 else { throw .invalid }
      times = (
        try NewTime(TimeSpecification(seconds: values.0, nanoseconds: values.1 * 1000)),
        try NewTime(TimeSpecification(seconds: values.2, nanoseconds: values.3 * 1000))
      )
    }
    if address == 0 {
      let file = try file(directory)
      return try setTimes(of: file.node, file.location?.mount, times)
    }
    let path = try find(directory, address)
    return try setTimes(of: path.node, path.mount, times)
  }

  private static func setTimes(
    of node: FileNode, _ mount: Mount?, _ times: (NewTime, NewTime)
  ) throws(Errno) -> Int64 {
    if let mount { try FileTree.checkWritable(mount) }
    let identity = FileIdentity.current
    if !identity.owns(node) {
      // Who may write a file may say that he did so now.
      guard times.0.isNow, times.1.isNow else { throw .notPermitted }
      try identity.check(node, .write)
    }
    try node.checkAttributesAreChangeable()
    let now = FileTime.now
    switch times.0 {
    case .now: node.accessTime = now
    case .time(let time): node.accessTime = time
    case .unchanged: break
    }
    switch times.1 {
    case .now: node.modificationTime = now
    case .time(let time): node.modificationTime = time
    case .unchanged: break
    }
    node.statusChangeTime = now
    return 0
  }

  // MARK: Extended attributes

  /// getxattr(2): no file has attributes.
  static func getxattr(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try refuseAttribute(arguments, reads: true, followsLast: true)
  }

  /// lgetxattr(2)
  static func lgetxattr(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try refuseAttribute(arguments, reads: true, followsLast: false)
  }

  /// setxattr(2), removexattr(2)
  static func setxattr(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try refuseAttribute(arguments, reads: false, followsLast: true)
  }

  /// lsetxattr(2), lremovexattr(2)
  static func lsetxattr(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try refuseAttribute(arguments, reads: false, followsLast: false)
  }

  private static func refuseAttribute(
    _ arguments: SystemCallArguments, reads: Bool, followsLast: Bool
  ) throws(Errno) -> Int64 {
    try checkAttributeName(arguments.second)
    let path = try find(AtFlags.workingDirectoryArgument, arguments.first, followsLast: followsLast)
    if !reads { try FileTree.checkWritable(path.mount) }
    throw .notSupported
  }

  /// fgetxattr(2), fsetxattr(2), fremovexattr(2)
  static func fgetxattr(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    _ = try file(arguments.first)
    try checkAttributeName(arguments.second)
    throw .notSupported
  }

  private static func checkAttributeName(_ address: UInt64) throws(Errno) {
    let name = try UserPath(address)
    guard name.view.count > 0, name.view.count <= 255 else { throw .outOfRange }
  }

  /// listxattr(2)
  static func listxattr(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    _ = try find(AtFlags.workingDirectoryArgument, arguments.first)
    return 0
  }

  /// llistxattr(2)
  static func llistxattr(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    _ = try find(AtFlags.workingDirectoryArgument, arguments.first, followsLast: false)
    return 0
  }

  /// flistxattr(2)
  static func flistxattr(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    _ = try file(arguments.first)
    return 0
  }

  // MARK: File systems

  /// statfs(2)
  static func statfs(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let path = try find(AtFlags.workingDirectoryArgument, arguments.first)
    return try storeStatistics(of: path.node.fileSystem, path.mount, at: arguments.second)
  }

  /// fstatfs(2)
  static func fstatfs(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try anyFile(arguments.first)
    return try storeStatistics(of: file.node.fileSystem, file.location?.mount, at: arguments.second)
  }

  /// Writes Linux's struct statfs for x86-64.
  private static func storeStatistics(
    of fileSystem: FileSystem, _ mount: Mount?, at address: UInt64
  ) throws(Errno) -> Int64 {
    let statistics = fileSystem.statistics
    // The flags are those of mount(2) but for ST_VALID and ST_RELATIME.
    var flags: UInt64 = 0x20
    if let mount {
      flags |= mount.flags.rawValue & 0x40F
      if mount.flags.isDisjoint(with: [.noAccessTime]) { flags |= 0x1000 }
    }
    let words: InlineArray<15, UInt64> = [
      statistics.magic, 4096, statistics.blocks, statistics.freeBlocks, statistics.freeBlocks, statistics.files,
      statistics.freeFiles, fileSystem.device, 255, 4096, flags, 0, 0, 0, 0,
    ]
    let isStored = withUnsafeBytes(of: words) { UserMemory.copyOut($0.baseAddress!, to: address, count: 120) }
    guard isStored else { throw .badAddress }
    return 0
  }

  // MARK: What is not there

  /// name_to_handle_at(2)
  static func name_to_handle_at(_ arguments: SystemCallArguments) throws(Errno) -> Int64 { throw .notSupported }

  /// open_by_handle_at(2)
  static func open_by_handle_at(_ arguments: SystemCallArguments) throws(Errno) -> Int64 { throw .staleHandle }

  /// inotify_init(2), inotify_init1(2), inotify_add_watch(2), inotify_rm_watch(2), as a kernel without them
  static func inotify_init(_ arguments: SystemCallArguments) throws(Errno) -> Int64 { throw .notImplemented }
}
