import Core
import Machine

/// What is mapped where.
extension SystemCalls {
  static var space: AddressSpace { Scheduler.current.pointee.process!.addressSpace! }

  /// The limit of the current process for a resource, in bytes.
  static func limit(_ resource: Resource) -> UInt64 { Scheduler.current.pointee.process!.limit(resource) }

  private static var memoryLimits: MemoryLimits {
    let process = Scheduler.current.pointee.process!
    return process.lock.withLock {
      let mayLock = process.attributes.credentials.effective.contains(.lockMemory)
      return MemoryLimits(
        all: process.attributes.limits[.addressSpace].soft, data: process.attributes.limits[.data].soft,
        locked: mayLock ? .max : process.attributes.limits[.lockedMemory].soft)
    }
  }

  /// Linux's flags for mmap.
  private enum MapFlags {
    static var shared: UInt64 { 0x01 }
    static var `private`: UInt64 { 0x02 }
    static var sharedValidate: UInt64 { 0x03 }
    static var type: UInt64 { 0x0F }
    static var fixed: UInt64 { 0x10 }
    static var anonymous: UInt64 { 0x20 }
    static var low: UInt64 { 0x40 }  // MAP_32BIT
    static var growsDown: UInt64 { 0x100 }
    static var locked: UInt64 { 0x2000 }
    static var noReserve: UInt64 { 0x4000 }
    static var populate: UInt64 { 0x8000 }
    static var nonBlocking: UInt64 { 0x1_0000 }
    static var hugePages: UInt64 { 0x4_0000 }
    static var fixedNoReplace: UInt64 { 0x10_0000 }
    /// What MAP_SHARED_VALIDATE knows: those above but the last, MAP_STACK, MAP_DENYWRITE and MAP_EXECUTABLE.
    static var known: UInt64 { 0x07_F973 }
  }

  /// mmap(2)
  static func mmap(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try mmap(arguments, below: UserMemory.limit)
  }

  /// - Parameter end: how far the caller's pointers reach: nothing is mapped beyond it but where that is asked for.
  static func mmap(_ arguments: SystemCallArguments, below end: UInt64) throws(Errno) -> Int64 {
    let flags = arguments.fourth
    let offset = arguments.sixth
    let protection = MemoryProtection(rawValue: UInt8(truncatingIfNeeded: arguments.third & 7))
    guard offset & 4095 == 0 else { throw .invalid }
    let isFixed = flags & (MapFlags.fixed | MapFlags.fixedNoReplace) != 0
    var file: OpenFile? = nil
    if flags & MapFlags.anonymous == 0 {
      file = try self.file(arguments.fifth)
      if file!.flags.contains(.path) { throw .badFile }
    } else if flags & MapFlags.hugePages != 0 {
      throw .outOfMemory
    }
    guard arguments.second > 0 else { throw .invalid }
    guard let size = UserAddress.roundedUpToPages(arguments.second), size <= UserMemory.limit else {
      throw .outOfMemory
    }
    let address = arguments.first
    if isFixed {
      guard address <= UserMemory.limit - size else { throw .outOfMemory }
      guard address & 4095 == 0 else { throw .invalid }
      guard address >= AddressSpace.lowestAddress else { throw .notPermitted }
      // That there is room is the first thing that Linux sees to; what would be mapped comes after it.
      if flags & MapFlags.fixedNoReplace != 0, !space.isFree(address..<address + size) { throw .exists }
    }
    var attributes: RegionAttributes = []
    if flags & MapFlags.locked != 0 || space.locksFuture {
      try checkLockLimit(adding: size, error: .tryAgain)
      attributes.insert(.locked)
    }
    let request = try mapping(
      of: file, flags, protection, size: size, offset: offset, attributes: &attributes)
    let growsDown = flags & MapFlags.growsDown != 0 && request.kind == .anonymousPrivate
    func region(_ start: UInt64) -> MemoryRegion {
      MemoryRegion(
        start: start, end: start + size, protection: protection, kind: request.kind,
        sourceID: request.source?.store.identity ?? 0,
        sourceOffset: request.source == nil || file == nil ? 0 : offset, growsDown: growsDown, attributes: attributes)
    }
    let result: UInt64
    if isFixed {
      try space.map(
        region(address), of: request.source, replacing: flags & MapFlags.fixedNoReplace == 0,
        limit: limit(.addressSpace), dataLimit: limit(.data))
      result = address
    } else {
      result = try space.mapAnywhere(
        size: size, hint: address, below: flags & MapFlags.low != 0 ? 1 << 31 : end, of: request.source,
        limit: limit(.addressSpace), dataLimit: limit(.data), make: region)
    }
    let isPopulated = flags & (MapFlags.populate | MapFlags.nonBlocking) == MapFlags.populate
    if isPopulated || attributes.contains(.locked) {
      // As on Linux the mapping stands, whatever comes of this.
      _ = space.populate(result..<result + size, nil)
    }
    return Int64(result)
  }

  /// What a call of mmap maps, and Linux's errors about it in Linux's order.
  private static func mapping(
    of file: OpenFile?, _ flags: UInt64, _ protection: MemoryProtection, size: UInt64, offset: UInt64,
    attributes: inout RegionAttributes
  ) throws(Errno) -> (kind: RegionKind, source: MappedSource?) {
    let type = flags & MapFlags.type
    guard let file else {
      switch type {
      case MapFlags.private:
        if protection.contains(.write), flags & MapFlags.noReserve == 0, !AddressSpace.isPlausible(size) {
          throw .outOfMemory
        }
        return (.anonymousPrivate, nil)
      case MapFlags.shared:
        if flags & MapFlags.growsDown != 0 { throw .invalid }
        guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
        return (.anonymousShared, MappedSource(store: PageStore(size: size)))
      default: throw .invalid
      }
    }
    let isShared = type == MapFlags.shared || type == MapFlags.sharedValidate
    if offset > .max - size { throw .overflow }
    guard isShared || type == MapFlags.private else { throw .invalid }
    if type == MapFlags.sharedValidate, flags & ~MapFlags.known != 0 { throw .notSupported }
    if isShared, protection.contains(.write), !file.flags.isWritable { throw .access }
    guard file.flags.isReadable else { throw .access }
    if flags & MapFlags.growsDown != 0 { throw .invalid }
    if isShared, file.refusesSharedWrites {
      if protection.contains(.write) { throw .notPermitted }
      attributes.insert(.neverWritable)
    }
    let memory = try file.memory(size: size, isShared: isShared)
    if memory.isAnonymous { return (.anonymousPrivate, memory.source) }
    if isShared, !file.flags.isWritable { attributes.insert(.neverWritable) }
    return (isShared ? .sourceShared : .sourcePrivate, memory.source)
  }

  /// Refuses where so much more locked memory is beyond RLIMIT_MEMLOCK.
  static func checkLockLimit(
    adding size: UInt64 = 0, range: Range<UInt64>? = nil, error: Errno
  ) throws(Errno) {
    let process = Scheduler.current.pointee.process!
    if process.hasCapability(.lockMemory) { return }
    let limit = process.limit(.lockedMemory)
    guard limit > 0 else { throw .notPermitted }
    let locked = space.lockedBytes(with: range)
    guard size <= limit, locked <= limit - size else { throw error }
  }

  /// munmap(2)
  static func munmap(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.first & 4095 == 0, let size = UserAddress.roundedUpToPages(arguments.second), size > 0,
      size <= UserMemory.limit, arguments.first <= UserMemory.limit - size
    else { throw .invalid }
    // What cannot be mapped is not mapped.
    let usable = (arguments.first..<arguments.first + size).clamped(
      to: AddressSpace.lowestAddress..<UserMemory.limit)
    if !usable.isEmpty { try space.unmap(usable) }
    return 0
  }

  /// mprotect(2)
  static func mprotect(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try protect(arguments, key: nil)
  }

  /// - Parameter key: as pkey_mprotect(2) gives it.
  static func protect(_ arguments: SystemCallArguments, key: UInt8?) throws(Errno) -> Int64 {
    let growsDown: UInt64 = 0x0100_0000
    let growsUp: UInt64 = 0x0200_0000
    // PROT_SEM, 8, is known and has no effect.
    let protection = arguments.third & ~(growsDown | growsUp | 8)
    guard arguments.third & (growsDown | growsUp) != growsDown | growsUp, arguments.first & 4095 == 0 else {
      throw .invalid
    }
    if arguments.second == 0 { return 0 }
    guard let size = UserAddress.roundedUpToPages(arguments.second), arguments.first < UserMemory.limit,
      !arguments.first.addingReportingOverflow(size).overflow
    else { throw .outOfMemory }
    guard protection & ~7 == 0, arguments.third & growsUp == 0 else { throw .invalid }
    guard arguments.first >= AddressSpace.lowestAddress else { throw .outOfMemory }
    // What lies below the first gap changes, even where the range ends behind all memory.
    let end = min(arguments.first + size, UserMemory.limit)
    try space.protect(
      arguments.first..<end, MemoryProtection(rawValue: UInt8(truncatingIfNeeded: protection)),
      key: key, reachesDown: arguments.third & growsDown != 0, dataLimit: limit(.data))
    if end < arguments.first + size { throw .outOfMemory }
    return 0
  }

  /// mremap(2)
  static func mremap(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let mayMove: UInt64 = 1
    let fixed: UInt64 = 2
    let dontUnmap: UInt64 = 4
    let flags = arguments.fourth
    let old = arguments.first
    guard flags & ~(mayMove | fixed | dontUnmap) == 0 else { throw .invalid }
    if flags & (fixed | dontUnmap) != 0, flags & mayMove == 0 { throw .invalid }
    guard old & 4095 == 0, let oldSize = UserAddress.roundedUpToPages(arguments.second),
      let newSize = UserAddress.roundedUpToPages(arguments.third), newSize > 0
    else { throw .invalid }
    if flags & dontUnmap != 0, oldSize != newSize { throw .invalid }
    guard old >= AddressSpace.lowestAddress, oldSize <= UserMemory.limit, old <= UserMemory.limit - oldSize else {
      throw .badAddress
    }
    guard newSize <= UserMemory.limit else { throw flags & fixed != 0 ? .invalid : .outOfMemory }
    var request = AddressSpace.Remapping(
      old: old..<old + oldSize, newSize: newSize, mayMove: flags & mayMove != 0, keepsOld: flags & dontUnmap != 0)
    if flags & (fixed | dontUnmap) != 0 {
      let target = arguments.fifth
      guard target & 4095 == 0, target <= UserMemory.limit - newSize else { throw .invalid }
      guard target + newSize <= old || target >= old + oldSize else { throw .invalid }
      if flags & fixed != 0 { request.target = target } else { request.wish = target }
    }
    let result = try space.remap(request, memoryLimits)
    if let locked = result.locked { _ = space.populate(locked, nil) }
    return Int64(result.address)
  }

  /// brk(2), the raw call: returns the end of the heap as it is then.
  static func brk(_ arguments: SystemCallArguments) -> Int64 {
    let result = space.setBreak(arguments.first, memoryLimits)
    if let locked = result.locked { _ = space.populate(locked, nil) }
    return Int64(result.end)
  }
}
