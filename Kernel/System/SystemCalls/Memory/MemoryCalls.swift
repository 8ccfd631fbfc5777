import Core
import Machine

/// The memory of a program.
extension SystemCalls {
  private static var space: AddressSpace { Scheduler.current.pointee.process!.addressSpace! }

  /// Linux's flags for mmap.
  private enum MapFlags {
    static var shared: UInt64 { 0x01 }
    static var `private`: UInt64 { 0x02 }
    static var type: UInt64 { 0x0F }
    static var fixed: UInt64 { 0x10 }
    static var anonymous: UInt64 { 0x20 }
    static var growsDown: UInt64 { 0x100 }
    static var fixedNoReplace: UInt64 { 0x10_0000 }
  }

  /// mmap(2): anonymous memory.
  static func mmap(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let address = arguments.first
    let flags = arguments.fourth
    let offset = arguments.sixth
    guard arguments.second > 0, offset & 4095 == 0 else { throw .invalid }
    guard let size = UserAddress.roundedUpToPages(arguments.second), size <= UserMemory.limit else {
      throw .outOfMemory
    }
    let protection = MemoryProtection(rawValue: UInt8(truncatingIfNeeded: arguments.third & 7))
    let kind: RegionKind
    switch flags & MapFlags.type {
    case MapFlags.private: kind = .anonymousPrivate
    case MapFlags.shared: kind = .anonymousShared
    default: throw .invalid
    }
    // A descriptor that is not open: there are no files to map yet.
    guard flags & MapFlags.anonymous != 0 else { throw .badFile }
    let growsDown = flags & MapFlags.growsDown != 0 && kind == .anonymousPrivate
    func region(_ start: UInt64) -> MemoryRegion {
      MemoryRegion(
        start: start, end: start + size, protection: protection, kind: kind, sourceID: start,
        growsDown: growsDown)
    }
    do throws(AddressSpace.Failure) {
      if flags & (MapFlags.fixed | MapFlags.fixedNoReplace) != 0 {
        guard address & 4095 == 0 else { throw .invalid }
        guard address <= UserMemory.limit - size else { throw .outOfMemory }
        try space.map(region(address), replacing: flags & MapFlags.fixedNoReplace == 0)
        return Int64(address)
      }
      return Int64(try space.mapAnywhere(size: size, hint: address, make: region))
    } catch {
      throw Errno(error)
    }
  }

  /// The range of whole pages that a call names.
  private static func range(_ arguments: SystemCallArguments) throws(Errno) -> Range<UInt64> {
    guard arguments.first & 4095 == 0, let size = UserAddress.roundedUpToPages(arguments.second),
      size <= UserMemory.limit, arguments.first <= UserMemory.limit - size
    else { throw .invalid }
    return arguments.first..<arguments.first + size
  }

  /// munmap(2)
  static func munmap(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let range = try range(arguments)
    guard !range.isEmpty else { throw .invalid }
    // What cannot be mapped is not mapped.
    let usable = range.clamped(to: AddressSpace.lowestAddress..<UserMemory.limit)
    if usable.isEmpty { return 0 }
    do throws(AddressSpace.Failure) { try space.unmap(usable) } catch { throw Errno(error) }
    return 0
  }

  /// mprotect(2)
  static func mprotect(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.first & 4095 == 0, arguments.third & ~7 == 0 else { throw .invalid }
    if arguments.second == 0 { return 0 }
    guard let size = UserAddress.roundedUpToPages(arguments.second), size <= UserMemory.limit,
      arguments.first <= UserMemory.limit - size
    else { throw .outOfMemory }
    let protection = MemoryProtection(rawValue: UInt8(truncatingIfNeeded: arguments.third))
    do throws(AddressSpace.Failure) {
      try space.protect(arguments.first..<arguments.first + size, protection)
    } catch {
      throw Errno(error)
    }
    return 0
  }

  /// brk(2), the raw call: returns the end of the heap as it is then.
  static func brk(_ arguments: SystemCallArguments) -> Int64 {
    Int64(space.setBreak(arguments.first))
  }
}
