import Core
import Machine

/// What programs tell and ask about the memory that they use.
extension SystemCalls {
  /// The range of whole pages that a call names.
  ///
  /// - Throws: EINVAL for a start within a page, and `overflow` where the range wraps around or is no user
  ///   memory.
  static func pages(_ start: UInt64, _ length: UInt64, overflow: Errno) throws(Errno) -> Range<UInt64> {
    guard start & 4095 == 0 else { throw .invalid }
    guard let size = UserAddress.roundedUpToPages(length), !start.addingReportingOverflow(size).overflow else {
      throw overflow
    }
    return start..<start + size
  }

  /// Such a range as far as programs can map it, and whether that is all of it.
  private static func usable(_ range: Range<UInt64>) -> (range: Range<UInt64>, isAll: Bool) {
    let usable = range.clamped(to: AddressSpace.lowestAddress..<UserMemory.limit)
    return (usable, usable == range)
  }

  /// madvise(2)
  static func madvise(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let advice = Int32(truncatingIfNeeded: arguments.third)
    switch advice {
    case 0...4, 8...21, 22, 23: break
    default: throw .invalid
    }
    let range = try pages(arguments.first, arguments.second, overflow: .invalid)
    if range.isEmpty { return 0 }
    let (usable, isAll) = usable(range)
    if usable.isEmpty { throw .outOfMemory }
    guard try advise(advice, usable), isAll else { throw .outOfMemory }
    return 0
  }

  /// - Returns: whether all of the range is mapped.
  private static func advise(_ advice: Int32, _ range: Range<UInt64>) throws(Errno) -> Bool {
    switch advice {
    case 4: return try space.discard(range)  // MADV_DONTNEED
    case 8: return try space.discard(range, isAnonymousOnly: true)  // MADV_FREE
    case 9: return try space.removeFromStores(range)  // MADV_REMOVE
    case 10: return try space.setAttributes(of: range, insert: .notForked)  // MADV_DONTFORK
    case 11: return try space.setAttributes(of: range, remove: .notForked)  // MADV_DOFORK
    case 16: return try space.setAttributes(of: range, insert: .notDumped)  // MADV_DONTDUMP
    case 17: return try space.setAttributes(of: range, remove: .notDumped)  // MADV_DODUMP
    case 18:  // MADV_WIPEONFORK
      guard space.isPrivateAnonymous(range) else { throw .invalid }
      return try space.setAttributes(of: range, insert: .wipedOnFork)
    case 19: return try space.setAttributes(of: range, remove: .wipedOnFork)  // MADV_KEEPONFORK
    case 20, 21:  // MADV_COLD, MADV_PAGEOUT: there is nowhere to page to.
      let found = space.look(at: range)
      if found.isLocked { throw .invalid }
      return found.isCovered
    case 22, 23:  // MADV_POPULATE_READ, MADV_POPULATE_WRITE
      switch space.populate(range, advice == 22 ? .read : .write) {
      case nil, .resolved: return true
      case .notMapped, .outOfMemory: return false
      case .denied: throw .invalid
      case .beyondEnd: throw .badAddress
      }
    default:
      // How the program will use the memory makes no difference here.
      return space.look(at: range).isCovered
    }
  }

  /// msync(2): what is written to shared memory is where everybody sees it at once.
  static func msync(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let asynchronous: UInt64 = 1
    let invalidate: UInt64 = 2
    let synchronous: UInt64 = 4
    let flags = arguments.third & 0xFFFF_FFFF
    guard flags & ~(asynchronous | invalidate | synchronous) == 0,
      flags & (asynchronous | synchronous) != asynchronous | synchronous
    else { throw .invalid }
    // Linux rounds the length up before it looks at it: one just below 2^64 is none.
    let length = arguments.second > ~4095 ? 0 : arguments.second
    let range = try pages(arguments.first, length, overflow: .outOfMemory)
    if range.isEmpty { return 0 }
    let (usable, isAll) = usable(range)
    if usable.isEmpty { throw .outOfMemory }
    let found = space.look(at: usable)
    if found.isLocked, flags & invalidate != 0 { throw .busy }
    guard found.isCovered, isAll else { throw .outOfMemory }
    return 0
  }

  /// mincore(2)
  static func mincore(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let range = try pages(arguments.first, arguments.second, overflow: .outOfMemory)
    if range.isEmpty { return 0 }
    let (_, isAll) = usable(range)
    guard isAll else { throw .outOfMemory }
    guard let memory = KernelHeap.allocate(size: 1024, alignment: 16) else { throw .tryAgain }
    defer { KernelHeap.deallocate(memory) }
    var page = range.lowerBound
    var target = arguments.third
    while page < range.upperBound {
      let count = Int(min((range.upperBound - page) >> 12, 1024))
      let bytes = UnsafeMutableRawBufferPointer(start: memory, count: count)
      guard space.residency(of: page..<page + UInt64(count) << 12, into: bytes) else { throw .outOfMemory }
      guard UserMemory.copyOut(memory, to: target, count: count) else { throw .badAddress }
      page += UInt64(count) << 12
      target += UInt64(count)
    }
    return 0
  }

  // MARK: Locked memory

  /// mlock(2)
  static func mlock(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try lockMemory(arguments.first, arguments.second, isPopulated: true)
  }

  /// mlock2(2)
  static func mlock2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let onFault: UInt64 = 1
    guard arguments.third & 0xFFFF_FFFF & ~onFault == 0 else { throw .invalid }
    return try lockMemory(arguments.first, arguments.second, isPopulated: arguments.third & onFault == 0)
  }

  /// The whole pages that bytes lie in, for the calls that take any address.
  private static func pagesAround(_ start: UInt64, _ length: UInt64) throws(Errno) -> Range<UInt64> {
    let first = start & ~4095
    // As on Linux lengths wrap: the largest are those of no page, or of one.
    let end = first &+ ((length &+ start & 4095) &+ 4095) & ~4095
    guard end >= first else { throw .invalid }
    return first..<end
  }

  private static func lockMemory(_ start: UInt64, _ length: UInt64, isPopulated: Bool) throws(Errno) -> Int64 {
    let range = try pagesAround(start, length)
    try checkLockLimit(range: range, error: .outOfMemory)
    if range.isEmpty { return 0 }
    let (usable, isAll) = usable(range)
    guard isAll, try space.setAttributes(of: usable, insert: .locked, stopsAtGap: true) else { throw .outOfMemory }
    if isPopulated {
      switch space.populate(usable, nil) {
      case nil, .resolved: break
      case .beyondEnd, .denied: throw .outOfMemory
      case .notMapped: throw .outOfMemory
      case .outOfMemory: throw .tryAgain
      }
    }
    return 0
  }

  /// munlock(2)
  static func munlock(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let range = try pagesAround(arguments.first, arguments.second)
    if range.isEmpty { return 0 }
    let (usable, isAll) = usable(range)
    guard isAll, try space.setAttributes(of: usable, remove: .locked, stopsAtGap: true) else { throw .outOfMemory }
    return 0
  }

  /// mlockall(2)
  static func mlockall(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let present: UInt64 = 1
    let future: UInt64 = 2
    let onFault: UInt64 = 4
    let flags = arguments.first & 0xFFFF_FFFF
    guard flags != 0, flags & ~(present | future | onFault) == 0, flags != onFault else { throw .invalid }
    let all = AddressSpace.lowestAddress..<UserMemory.limit
    if flags & present != 0 {
      try checkLockLimit(range: all, error: .outOfMemory)
      _ = try space.setAttributes(of: all, insert: .locked)
      if flags & onFault == 0 { populateAll() }
    } else {
      try checkLockLimit(error: .outOfMemory)
    }
    space.locksFuture = flags & future != 0
    return 0
  }

  /// Makes every page that can be made; what cannot is left out.
  private static func populateAll() {
    var address: UInt64 = 0
    while let found = space.region(endingAfter: address) {
      _ = space.populate(found.region.start..<found.region.end, nil)
      address = found.region.end
    }
  }

  /// munlockall(2)
  static func munlockall() throws(Errno) -> Int64 {
    _ = try space.setAttributes(of: AddressSpace.lowestAddress..<UserMemory.limit, remove: .locked)
    space.locksFuture = false
    return 0
  }
}
