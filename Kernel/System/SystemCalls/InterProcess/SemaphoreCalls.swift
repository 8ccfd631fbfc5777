import Core
import Machine

/// System V semaphores.
extension SystemCalls {
  /// semget(2)
  static func semget(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let key = Int32(truncatingIfNeeded: arguments.first)
    let count = Int32(truncatingIfNeeded: arguments.second)
    let flags = arguments.third & 0xFFFF_FFFF
    guard count >= 0, count <= SemaphoreSets.limits.perSet else { throw .invalid }
    return try InterProcess.semaphores.get(key: key, flags: flags) { object throws(Errno) in
      if unsafeDowncast(object, to: SemaphoreSet.self).semaphores.count < Int(count) { throw .invalid }
    } make: { () throws(Errno) in
      try SemaphoreSets.make(count: Int(count), key: key, flags: flags)
    }
  }

  /// semop(2)
  static func semop(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try operate(arguments, timeout: 0)
  }

  /// semtimedop(2)
  static func semtimedop(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try operate(arguments, timeout: arguments.fourth)
  }

  /// So many operations need no memory of the heap.
  private static var fewOperations: Int { 8 }

  /// - Parameter timeout: where a `struct timespec` lies; 0 for none.
  private static func operate(_ arguments: SystemCallArguments, timeout: UInt64) throws(Errno) -> Int64 {
    var time: TimeSpecification? = nil
    if timeout != 0 {
      guard let given = UserMemory.load(TimeSpecification.zero, from: timeout) else { throw .badAddress }
      time = given
    }
    let identifier = Int32(truncatingIfNeeded: arguments.first)
    let count = UInt32(truncatingIfNeeded: arguments.third)
    guard count <= UInt32(SemaphoreSets.limits.operations) else { throw .argumentsTooLong }
    guard count >= 1 else { throw .invalid }
    if count <= fewOperations {
      var few = InlineArray<8, SemaphoreOperation>(repeating: SemaphoreOperation())
      try withUnsafeMutableBytes(of: &few) { bytes throws(Errno) in
        try operate(identifier, arguments.second, bytes.baseAddress!, count: Int(count), time)
      }
    } else {
      let size = Int(count) * MemoryLayout<SemaphoreOperation>.stride
      guard let memory = InterProcessMemory.allocate(size: size) else { throw .outOfMemory }
      defer { InterProcessMemory.deallocate(memory, size: size) }
      try operate(identifier, arguments.second, memory, count: Int(count), time)
    }
    return 0
  }

  private static func operate(
    _ identifier: Int32, _ address: UInt64, _ memory: UnsafeMutableRawPointer, count: Int, _ time: TimeSpecification?
  ) throws(Errno) {
    guard UserMemory.copyIn(memory, from: address, count: count * MemoryLayout<SemaphoreOperation>.stride) else {
      throw .badAddress
    }
    var deadline: UInt64? = nil
    guard identifier >= 0 else { throw .invalid }
    if let time {
      guard let length = time.length else { throw .invalid }
      deadline = Self.deadline(nanoseconds: length)
    }
    let operations = UnsafeBufferPointer(
      start: memory.bindMemory(to: SemaphoreOperation.self, capacity: count), count: count)
    let set = try SemaphoreSets.set(identifier)
    var isChanging = false
    var usesUndo = false
    for operation in operations {
      guard Int(operation.number) < set.semaphores.count else { throw .fileTooLarge }
      if operation.change != 0 { isChanging = true }
      if operation.flags & SemaphoreOperation.undo != 0 { usesUndo = true }
    }
    try set.check(isChanging ? InterProcessPermissions.write : InterProcessPermissions.read)
    try set.perform(operations, usesUndo: usesUndo, until: deadline)
  }

  private enum SemaphoreCommand {
    static var process: Int32 { 11 }  // GETPID
    static var value: Int32 { 12 }  // GETVAL
    static var allValues: Int32 { 13 }  // GETALL
    static var waitersForMore: Int32 { 14 }  // GETNCNT
    static var waitersForZero: Int32 { 15 }  // GETZCNT
    static var setValue: Int32 { 16 }  // SETVAL
    static var setAllValues: Int32 { 17 }  // SETALL
  }

  /// semctl(2)
  static func semctl(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let identifier = Int32(truncatingIfNeeded: arguments.first)
    let number = Int(Int32(truncatingIfNeeded: arguments.second))
    let command = Int32(truncatingIfNeeded: arguments.third)
    let address = arguments.fourth
    guard identifier >= 0 else { throw .invalid }
    switch command {
    case InterProcessCommand.remove:
      let set = try SemaphoreSets.set(identifier)
      try set.checkOwner()
      try set.remove()
      return 0
    case InterProcessCommand.set:
      guard let record = UserMemory.load(SemaphoreSetRecord(), from: address) else { throw .badAddress }
      let set = try SemaphoreSets.set(identifier)
      try set.checkOwner()
      try set.set(record.permissions)
      return 0
    case InterProcessCommand.status:
      let set = try SemaphoreSets.set(identifier)
      try set.check(InterProcessPermissions.read)
      return try store(set.record, at: address, result: 0)
    case 18, 20:  // SEM_STAT, SEM_STAT_ANY
      let object = try InterProcess.semaphores.object(at: identifier)
      if command == 18 { try object.check(InterProcessPermissions.read) }
      let set = unsafeDowncast(object, to: SemaphoreSet.self)
      return try store(set.record, at: address, result: Int64(set.identifier))
    case InterProcessCommand.information, 19:  // SEM_INFO
      var record = SemaphoreLimitsRecord(SemaphoreSets.limits)
      if command == 19 {
        record.undoSize = Int32(InterProcess.semaphores.count)
        record.largestAdjustment = Int32(truncatingIfNeeded: SemaphoreSets.count)
      }
      return try store(record, at: address, result: InterProcess.semaphores.highestPlace)
    case SemaphoreCommand.setValue:
      let value = Int32(truncatingIfNeeded: address)
      guard value >= 0, value <= Semaphore.largestValue else { throw .outOfRange }
      let set = try SemaphoreSets.set(identifier)
      guard number >= 0, number < set.semaphores.count else { throw .invalid }
      try set.check(InterProcessPermissions.write)
      try set.setValues(of: number..<number + 1) { _ in UInt16(value) }
      return 0
    case SemaphoreCommand.allValues, SemaphoreCommand.setAllValues:
      let set = try SemaphoreSets.set(identifier)
      let isChange = command == SemaphoreCommand.setAllValues
      try set.check(isChange ? InterProcessPermissions.write : InterProcessPermissions.read)
      try transferValues(of: set, address, isChange: isChange)
      return 0
    case SemaphoreCommand.process, SemaphoreCommand.value, SemaphoreCommand.waitersForMore,
      SemaphoreCommand.waitersForZero:
      let set = try SemaphoreSets.set(identifier)
      try set.check(InterProcessPermissions.read)
      guard number >= 0, number < set.semaphores.count else { throw .invalid }
      switch command {
      case SemaphoreCommand.process: return Int64(try set.withSemaphores { $0[number].lastProcess })
      case SemaphoreCommand.value: return Int64(try set.withSemaphores { $0[number].value })
      default: return try set.waiterCount(of: number, forZero: command == SemaphoreCommand.waitersForZero)
      }
    default: throw .invalid
    }
  }

  /// Copies the values of all semaphores to the program, or takes them from it (GETALL, SETALL).
  private static func transferValues(of set: SemaphoreSet, _ address: UInt64, isChange: Bool) throws(Errno) {
    let count = set.semaphores.count
    guard let memory = InterProcessMemory.allocate(size: count * 2) else { throw .outOfMemory }
    defer { InterProcessMemory.deallocate(memory, size: count * 2) }
    let values = memory.bindMemory(to: UInt16.self, capacity: count)
    if isChange {
      guard UserMemory.copyIn(memory, from: address, count: count * 2) else { throw .badAddress }
      for number in 0..<count where values[number] > Semaphore.largestValue { throw .outOfRange }
      try set.setValues(of: 0..<count) { values[$0] }
    } else {
      try set.withSemaphores { semaphores in
        for number in 0..<count { values[number] = UInt16(semaphores[number].value) }
      }
      guard UserMemory.copyOut(memory, to: address, count: count * 2) else { throw .badAddress }
    }
  }
}
