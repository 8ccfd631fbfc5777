import Core
import Machine

/// What is known of a file.
extension SystemCalls {
  /// stat(2)
  static func stat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let path = try find(AtFlags.workingDirectoryArgument, arguments.first)
    return try storeStatus(of: path.node, at: arguments.second)
  }

  /// lstat(2)
  static func lstat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let path = try find(AtFlags.workingDirectoryArgument, arguments.first, followsLast: false)
    return try storeStatus(of: path.node, at: arguments.second)
  }

  /// fstat(2)
  static func fstat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try storeStatus(of: anyFile(arguments.first).node, at: arguments.second)
  }

  /// newfstatat(2), which glibc calls fstatat
  static func newfstatat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = arguments.fourth
    guard flags & 0xFFFF_FFFF & ~(AtFlags.noFollow | AtFlags.noAutomount | AtFlags.emptyPath) == 0 else {
      throw .invalid
    }
    return try storeStatus(
      of: findNode(arguments.first, arguments.second, flags).node, at: arguments.third)
  }

  /// Writes Linux's struct stat for x86-64.
  private static func storeStatus(of node: FileNode, at address: UInt64) throws(Errno) -> Int64 {
    let accessTime = TimeSpecification(nanosecondsSince1970: node.accessTime)
    let modificationTime = TimeSpecification(nanosecondsSince1970: node.modificationTime)
    let changeTime = TimeSpecification(nanosecondsSince1970: node.statusChangeTime)
    let words: InlineArray<18, UInt64> = [
      node.fileSystem.device, node.number, UInt64(node.linkCount),
      UInt64(node.mode.rawValue) | UInt64(node.owner) << 32, UInt64(node.group), node.deviceNumber,
      UInt64(bitPattern: node.size), 4096, UInt64(bitPattern: node.blockCount),
      UInt64(bitPattern: accessTime.seconds), UInt64(bitPattern: accessTime.nanoseconds),
      UInt64(bitPattern: modificationTime.seconds), UInt64(bitPattern: modificationTime.nanoseconds),
      UInt64(bitPattern: changeTime.seconds), UInt64(bitPattern: changeTime.nanoseconds), 0, 0, 0,
    ]
    let isStored = withUnsafeBytes(of: words) {
      UserMemory.copyOut($0.baseAddress!, to: address, count: 144)
    }
    guard isStored else { throw .badAddress }
    return 0
  }

  /// statx(2)
  static func statx(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = arguments.third
    // AT_STATX_FORCE_SYNC and AT_STATX_DONT_SYNC, but not both.
    let known = AtFlags.noFollow | AtFlags.noAutomount | AtFlags.emptyPath | 0x6000
    guard flags & 0xFFFF_FFFF & ~known == 0, flags & 0x6000 != 0x6000, arguments.fourth & 0x8000_0000 == 0 else {
      throw .invalid
    }
    let (node, place) = try findNode(arguments.first, arguments.second, flags)
    let device = DeviceNumber(rawValue: node.fileSystem.device)
    let special = DeviceNumber(rawValue: node.deviceNumber)
    // STATX_BASIC_STATS and STATX_MNT_ID
    let mask: UInt64 = place == nil ? 0x7FF : 0x17FF
    var attributes: UInt64 = 0
    if let place, place.entry === place.mount.root { attributes |= 0x2000 }  // STATX_ATTR_MOUNT_ROOT
    func seconds(_ time: Int64) -> UInt64 {
      UInt64(bitPattern: TimeSpecification(nanosecondsSince1970: time).seconds)
    }
    func nanoseconds(_ time: Int64) -> UInt64 {
      UInt64(bitPattern: TimeSpecification(nanosecondsSince1970: time).nanoseconds)
    }
    let words: InlineArray<32, UInt64> = [
      mask | 4096 << 32, attributes, UInt64(node.linkCount) | UInt64(node.owner) << 32,
      UInt64(node.group) | UInt64(node.mode.rawValue) << 32, node.number, UInt64(bitPattern: node.size),
      UInt64(bitPattern: node.blockCount), 0x2000,
      seconds(node.accessTime), nanoseconds(node.accessTime), 0, 0,
      seconds(node.statusChangeTime), nanoseconds(node.statusChangeTime),
      seconds(node.modificationTime), nanoseconds(node.modificationTime),
      UInt64(special.major) | UInt64(special.minor) << 32, UInt64(device.major) | UInt64(device.minor) << 32,
      place?.mount.identifier ?? 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]
    let isStored = withUnsafeBytes(of: words) {
      UserMemory.copyOut($0.baseAddress!, to: arguments.fifth, count: 256)
    }
    guard isStored else { throw .badAddress }
    return 0
  }

  /// access(2)
  static func access(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try checkAccess(AtFlags.workingDirectoryArgument, arguments.first, arguments.second, flags: 0)
  }

  /// faccessat(2), the call without flags
  static func faccessat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try checkAccess(arguments.first, arguments.second, arguments.third, flags: 0)
  }

  /// faccessat2(2)
  static func faccessat2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try checkAccess(arguments.first, arguments.second, arguments.third, flags: arguments.fourth)
  }

  private static func checkAccess(
    _ directory: UInt64, _ address: UInt64, _ rawMode: UInt64, flags: UInt64
  ) throws(Errno) -> Int64 {
    let mode = UInt32(truncatingIfNeeded: rawMode)
    guard mode & ~7 == 0,
      flags & 0xFFFF_FFFF & ~(AtFlags.noFollow | AtFlags.effectiveAccess | AtFlags.emptyPath) == 0
    else { throw .invalid }
    let identity: FileIdentity = flags & AtFlags.effectiveAccess != 0 ? .current : .currentReal
    let (node, place) = try findNode(directory, address, flags, identity: identity)
    let access = FileAccess(rawValue: mode)
    if access.contains(.execute), node.mode.isRegular, place?.mount.flags.contains(.noExecution) ?? false {
      throw .access
    }
    try identity.check(node, access)
    if access.contains(.write), let place, !node.mode.isDevice, node.mode.type != .fifo {
      try FileTree.checkWritable(place.mount)
    }
    return 0
  }
}

extension TimeSpecification {
  /// A time of a file, which may lie before 1970.
  init(nanosecondsSince1970 time: Int64) {
    let (quotient, remainder) = time.quotientAndRemainder(dividingBy: 1_000_000_000)
    self.init(
      seconds: remainder < 0 ? quotient - 1 : quotient,
      nanoseconds: remainder < 0 ? remainder + 1_000_000_000 : remainder)
  }
}
