import Core
import Machine

/// What segments of shared memory, sets of semaphores and message queues have in common (sysvipc(7)).
///
/// Alive as long as its table or somebody who uses it refers to it.
class InterProcessObject: @unchecked Sendable {
  /// Guards what follows, and what subclasses say.
  var lock = SpinLock()
  var permissions: InterProcessPermissions
  /// Whether it has been removed: whoever still refers to it finds nothing in it.
  final var isRemoved = false
  /// Seconds since 1970 of the last change of its attributes.
  final var changeTime = InterProcessTime.now

  /// Set when it is put into its table, before anybody else has it.
  final fileprivate(set) var identifier: Int32 = -1
  /// Under the table's lock; 0 for none. A word that may be read at any time.
  final fileprivate(set) var key: Int32

  /// An object of the current process's.
  init(key: Int32, mode: UInt32) {
    let credentials = Scheduler.current.pointee.process!.credentials
    self.key = key
    permissions = InterProcessPermissions(
      user: credentials.user.effective, group: credentials.group.effective, mode: mode)
  }

  /// Throws EACCES where the current process has not been granted an access. The lock is not held.
  ///
  /// - Parameter wanted: permissions as a mode has them.
  final func check(_ wanted: UInt32) throws(Errno) {
    let permissions = lock.withLock { self.permissions }
    let process = Scheduler.current.pointee.process!
    let credentials = process.credentials
    let isGranted = permissions.grant(wanted, to: credentials.user.effective) {
      $0 == credentials.group.fileSystem || process.isInGroup($0)
    }
    if isGranted || credentials.effective.contains(.overrideInterProcessPermissions) { return }
    throw .access
  }

  /// Throws EPERM where the current process may neither change nor remove the object. The lock is not held.
  final func checkOwner() throws(Errno) {
    let permissions = lock.withLock { self.permissions }
    let credentials = Scheduler.current.pointee.process!.credentials
    if permissions.isOwner(credentials.user.effective) || credentials.effective.contains(.administration) { return }
    throw .notPermitted
  }

  /// Throws EIDRM where it has been removed. The lock is held.
  @inline(__always)
  final func checkIsThere() throws(Errno) { if isRemoved { throw .identifierRemoved } }

  /// Takes over what IPC_SET changes of every kind.
  ///
  /// - Parameter change: what else changes, under the lock.
  final func set(_ record: InterProcessPermissionRecord, _ change: () -> Void = {}) throws(Errno) {
    try lock.withLock { () throws(Errno) in
      try checkIsThere()
      guard permissions.set(owner: record.owner, group: record.group, mode: record.mode) else { throw .invalid }
      changeTime = InterProcessTime.now
      change()
    }
  }
}

/// The objects of one kind, by identifier and by key.
final class InterProcessTable: @unchecked Sendable {
  private struct Slot {
    var object: InterProcessObject?
    var key: Int32 = 0
  }

  /// Guards all that follows. Takes no other lock but the heap's.
  private var lock = SpinLock()
  private var slots = HeapArray<Slot>()
  private var identifiers = IdentifierSequence()
  /// How many objects there may be (SHMMNI, SEMMNI, MSGMNI).
  var limit: Int

  /// Held while an object is looked for by its key and made where there is none, so that there is only one.
  private let making = Mutex()

  init(limit: Int) { self.limit = limit }

  /// The object that an identifier names.
  ///
  /// - Throws: EINVAL where there is none, and where another one has its place.
  func object(_ identifier: Int32) throws(Errno) -> InterProcessObject {
    guard identifier >= 0 else { throw .invalid }
    let object = try object(at: identifier)
    if object.identifier != identifier { throw .invalid }
    return object
  }

  /// The object in a place, which the lower bits of a number are (SHM_STAT and the like).
  func object(at number: Int32) throws(Errno) -> InterProcessObject {
    guard number >= 0 else { throw .invalid }
    let place = IdentifierSequence.place(of: number)
    guard let object = lock.withLock({ place < slots.count ? slots[place].object : nil }) else { throw .invalid }
    return object
  }

  /// shmget(2), semget(2) and msgget(2).
  ///
  /// - Parameters:
  ///   - check: throws where the object that has the key is not one that will do.
  ///   - make: makes one.
  func get(
    key: Int32, flags: UInt64, check: (InterProcessObject) throws(Errno) -> Void,
    make: () throws(Errno) -> InterProcessObject
  ) throws(Errno) -> Int64 {
    making.acquire()
    defer { making.release() }
    if key != 0, let present = object(key: key) {
      if flags & InterProcessFlags.create != 0, flags & InterProcessFlags.exclusive != 0 { throw .exists }
      try check(present)
      try present.check(UInt32(truncatingIfNeeded: flags & 0o777))
      return Int64(present.identifier)
    }
    if key != 0, flags & InterProcessFlags.create == 0 { throw .noEntry }
    let new = try make()
    try add(new)
    return Int64(new.identifier)
  }

  private func object(key: Int32) -> InterProcessObject? {
    lock.withLock {
      for place in 0..<slots.count where slots[place].key == key {
        if let object = slots[place].object { return object }
      }
      return nil
    }
  }

  private func add(_ object: InterProcessObject) throws(Errno) {
    try lock.withLock { () throws(Errno) in
      let taken = identifiers.allocate(limit: limit) { $0 < slots.count && slots[$0].object != nil }
      guard let identifier = taken else { throw .noSpace }
      let place = IdentifierSequence.place(of: identifier)
      while slots.count <= place {
        guard slots.makeRoom() else {
          identifiers.release()
          throw .outOfMemory
        }
        slots.append(Slot())
      }
      object.identifier = identifier
      slots[place].object = object
      slots[place].key = object.key
    }
  }

  /// Takes an object out, which the caller has a reference to.
  ///
  /// - Returns: false where it has been taken out before.
  func remove(_ object: InterProcessObject) -> Bool {
    lock.withLock {
      let place = IdentifierSequence.place(of: object.identifier)
      guard let present = slots[place].object, present === object else { return false }
      slots[place] = Slot()
      identifiers.release()
      return true
    }
  }

  /// From here on no key leads to an object any more.
  func removeKey(of object: InterProcessObject) {
    lock.withLock {
      let place = IdentifierSequence.place(of: object.identifier)
      guard let present = slots[place].object, present === object else { return }
      slots[place].key = 0
      object.key = 0
    }
  }

  /// How many objects there are.
  var count: Int { lock.withLock { identifiers.count } }

  /// The identifier that the next object is to get; -1 for any.
  var wish: Int32 {
    get { lock.withLock { identifiers.wish } }
    set { lock.withLock { identifiers.wish = newValue } }
  }

  /// The highest place that is in use, which IPC_INFO and its kin return; 0 where there is none.
  var highestPlace: Int64 {
    lock.withLock {
      var place = slots.count - 1
      while place > 0, slots[place].object == nil { place -= 1 }
      return Int64(max(place, 0))
    }
  }

  /// Calls `body` with each object, with no lock held.
  func forEach(_ body: (InterProcessObject) -> Void) {
    var place = 0
    while let object = next(from: &place) { body(object) }
  }

  private func next(from place: inout Int) -> InterProcessObject? {
    lock.acquire()
    defer { lock.release() }
    while place < slots.count {
      place += 1
      if let object = slots[place - 1].object { return object }
    }
    return nil
  }
}

/// Flags of the get calls.
enum InterProcessFlags {
  static var create: UInt64 { 0o1000 }  // IPC_CREAT
  static var exclusive: UInt64 { 0o2000 }  // IPC_EXCL
  static var noWait: UInt64 { 0o4000 }  // IPC_NOWAIT
}

enum InterProcessTime {
  /// Seconds since 1970.
  static var now: Int64 { Int64(WallClock.nanoseconds / 1_000_000_000) }
}

/// The three kinds, and what bounds them.
enum InterProcess {
  nonisolated(unsafe) private static var storedSegments: InterProcessTable?
  nonisolated(unsafe) private static var storedSemaphores: InterProcessTable?
  nonisolated(unsafe) private static var storedMessages: InterProcessTable?

  static var segments: InterProcessTable { storedSegments.unsafelyUnwrapped }
  static var semaphores: InterProcessTable { storedSemaphores.unsafelyUnwrapped }
  static var messages: InterProcessTable { storedMessages.unsafelyUnwrapped }

  /// While the machine comes up.
  static func initialize() {
    storedSegments = InterProcessTable(limit: 4096)
    storedSemaphores = InterProcessTable(limit: 32000)
    storedMessages = InterProcessTable(limit: 32000)
    InterProcessMemory.initialize()
  }

  /// The process that makes a call, as objects keep it.
  @inline(__always)
  static var caller: Int32 { Scheduler.current.pointee.processIdentifier }
}

/// What semaphores, their adjustments and messages may take of the kernel's heap together: an eighth of the memory. They
/// stay when the programs that have made them end, so that ending programs makes no room.
enum InterProcessMemory {
  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var used = 0
  nonisolated(unsafe) private static var limit = 0

  static func initialize() { limit = Frames.totalCount << 9 }

  /// - Returns: nil when memory is out.
  static func allocate(size: Int) -> UnsafeMutableRawPointer? {
    guard Frames.freeCount > Frames.reserve + size >> 12, take(size) else { return nil }
    guard let memory = KernelHeap.allocate(size: size, alignment: 16) else {
      giveBack(size)
      return nil
    }
    return memory
  }

  static func deallocate(_ memory: UnsafeMutableRawPointer, size: Int) {
    KernelHeap.deallocate(memory)
    giveBack(size)
  }

  private static func take(_ size: Int) -> Bool {
    lock.withLock {
      guard size <= limit - used else { return false }
      used += size
      return true
    }
  }

  private static func giveBack(_ size: Int) { lock.withLock { used -= size } }
}
