import Core
import Machine

/// System V shared memory.
extension SystemCalls {
  /// shmget(2)
  static func shmget(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let key = Int32(truncatingIfNeeded: arguments.first)
    let size = arguments.second
    let flags = arguments.third & 0xFFFF_FFFF
    return try InterProcess.segments.get(key: key, flags: flags) { object throws(Errno) in
      if unsafeDowncast(object, to: SharedSegment.self).size < size { throw .invalid }
    } make: { () throws(Errno) in
      try SharedSegments.make(key: key, size: size, flags: flags)
    }
  }

  private enum AttachFlags {
    static var readOnly: UInt64 { 0o10000 }  // SHM_RDONLY
    static var roundsDown: UInt64 { 0o20000 }  // SHM_RND
    static var replaces: UInt64 { 0o40000 }  // SHM_REMAP
    static var execute: UInt64 { 0o100000 }  // SHM_EXEC
  }

  /// shmat(2)
  static func shmat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let identifier = Int32(truncatingIfNeeded: arguments.first)
    let flags = arguments.third
    var address = arguments.second
    guard identifier >= 0 else { throw .invalid }
    let isFixed = address != 0
    let replaces = flags & AttachFlags.replaces != 0
    if isFixed {
      if address & 4095 != 0 {
        guard flags & AttachFlags.roundsDown != 0 else { throw .invalid }
        address &= ~4095
        if address == 0, replaces { throw .invalid }
      }
    } else if replaces {
      throw .invalid
    }
    var protection: MemoryProtection = .read
    var access = InterProcessPermissions.read
    if flags & AttachFlags.readOnly == 0 {
      protection.insert(.write)
      access |= InterProcessPermissions.write
    }
    if flags & AttachFlags.execute != 0 {
      protection.insert(.execute)
      access |= 0o111
    }
    let segment = try SharedSegments.segment(identifier)
    try segment.check(access)
    try segment.beginAttachment()
    defer { segment.endAttachment() }
    return try attach(segment, at: isFixed ? address : nil, protection, replaces: replaces)
  }

  /// - Parameter address: nil for one of the kernel's choice.
  private static func attach(
    _ segment: SharedSegment, at address: UInt64?, _ protection: MemoryProtection, replaces: Bool
  ) throws(Errno) -> Int64 {
    // Linux maps so much, and finds out before anything else where that does not fit.
    guard let size = UserAddress.roundedUpToPages(segment.size) else { throw .outOfMemory }
    if let address {
      let (end, isBeyond) = address.addingReportingOverflow(segment.size)
      if isBeyond { throw .invalid }
      if !replaces, address > 0, address < UserMemory.limit,
        !space.isFree(address..<min((end &+ 4095) & ~4095, UserMemory.limit))
      {
        throw .invalid
      }
    }
    guard size <= UserMemory.limit, (address ?? 0) <= UserMemory.limit - size else { throw .outOfMemory }
    if let address, address < AddressSpace.lowestAddress { throw .notPermitted }
    var attributes: RegionAttributes = .segment
    if !protection.contains(.write) { attributes.insert(.neverWritable) }
    if space.locksFuture {
      try checkLockLimit(adding: size, error: .tryAgain)
      attributes.insert(.locked)
    }
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let source = MappedSource(store: segment.store, file: SegmentFile(segment))
    func region(_ start: UInt64) -> MemoryRegion {
      MemoryRegion(
        start: start, end: start + size, protection: protection, kind: .sourceShared, attributes: attributes)
    }
    let result: UInt64
    if let address {
      do throws(Errno) {
        try space.map(region(address), of: source, replacing: replaces, limit: limit(.addressSpace))
      } catch {
        throw error == .exists ? .invalid : error
      }
      result = address
    } else {
      result = try space.mapAnywhere(
        size: size, hint: 0, of: source, limit: limit(.addressSpace), make: region)
    }
    segment.noteAttachment()
    if attributes.contains(.locked) { _ = space.populate(result..<result + size, nil) }
    return Int64(result)
  }

  /// shmdt(2)
  static func shmdt(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.first & 4095 == 0 else { throw .invalid }
    try space.detachSegment(at: arguments.first)
    return 0
  }

  /// shmctl(2)
  static func shmctl(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let identifier = Int32(truncatingIfNeeded: arguments.first)
    let command = Int32(truncatingIfNeeded: arguments.second)
    let address = arguments.third
    guard identifier >= 0, command >= 0 else { throw .invalid }
    switch command {
    case InterProcessCommand.remove:
      let segment = try SharedSegments.segment(identifier)
      try segment.checkOwner()
      try segment.remove()
      return 0
    case InterProcessCommand.set:
      guard let record = UserMemory.load(SharedSegmentRecord(), from: address) else { throw .badAddress }
      let segment = try SharedSegments.segment(identifier)
      try segment.checkOwner()
      try segment.set(record.permissions)
      return 0
    case InterProcessCommand.status:
      let segment = try SharedSegments.segment(identifier)
      try segment.check(InterProcessPermissions.read)
      return try store(segment.record, at: address, result: 0)
    case 13, 15:  // SHM_STAT, SHM_STAT_ANY
      let object = try InterProcess.segments.object(at: identifier)
      if command == 13 { try object.check(InterProcessPermissions.read) }
      let segment = unsafeDowncast(object, to: SharedSegment.self)
      return try store(segment.record, at: address, result: Int64(segment.identifier))
    case InterProcessCommand.information:
      var record = SharedMemoryLimitsRecord()
      record.maximumSize = SharedSegments.maximumSize
      record.maximumCount = UInt64(InterProcess.segments.limit)
      record.maximumPerProcess = record.maximumCount
      record.maximumPages = SharedSegments.maximumPages
      return try store(record, at: address, result: InterProcess.segments.highestPlace)
    case 14:  // SHM_INFO
      var record = SharedMemoryUseRecord()
      record.count = Int32(InterProcess.segments.count)
      record.pages = SharedSegments.pages
      InterProcess.segments.forEach {
        record.residentPages += UInt64(unsafeDowncast($0, to: SharedSegment.self).store.residentPages)
      }
      return try store(record, at: address, result: InterProcess.segments.highestPlace)
    case 11, 12:  // SHM_LOCK, SHM_UNLOCK
      try setLocked(SharedSegments.segment(identifier), command == 11)
      return 0
    default: throw .invalid
    }
  }

  private static func setLocked(_ segment: SharedSegment, _ isLocked: Bool) throws(Errno) {
    let process = Scheduler.current.pointee.process!
    let credentials = process.credentials
    let user = credentials.user.effective
    if !credentials.effective.contains(.lockMemory) {
      let permissions = segment.lock.withLock { segment.permissions }
      guard permissions.isOwner(user) else { throw .notPermitted }
      if isLocked {
        let limit = process.limit(.lockedMemory)
        guard limit > 0 else { throw .notPermitted }
        if permissions.mode & SharedSegment.lockedFlag == 0, limit != ResourceLimit.infinite {
          var locked: UInt64 = 0
          InterProcess.segments.forEach {
            // Segments without reserved memory may be as large as all there is.
            let (sum, overflows) = locked.addingReportingOverflow(
              unsafeDowncast($0, to: SharedSegment.self).lockedBytes(of: user))
            locked = overflows ? .max : sum
          }
          guard segment.pageCount << 12 <= limit, locked <= limit - segment.pageCount << 12 else { throw .outOfMemory }
        }
      }
    }
    try segment.setLocked(isLocked, by: user)
  }

  /// Hands a structure to the program.
  static func store<Record: BitwiseCopyable>(
    _ record: Record, at address: UInt64, result: Int64
  ) throws(Errno) -> Int64 {
    guard UserMemory.store(record, to: address) else { throw .badAddress }
    return result
  }
}

/// Commands that all kinds of objects know.
enum InterProcessCommand {
  static var remove: Int32 { 0 }  // IPC_RMID
  static var set: Int32 { 1 }  // IPC_SET
  static var status: Int32 { 2 }  // IPC_STAT
  static var information: Int32 { 3 }  // IPC_INFO
}
