import Core
import Machine

extension SystemCalls {
  /// futex(2)
  static func futex(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard let operation = FutexOperation(UInt32(truncatingIfNeeded: arguments.second)) else {
      throw .notImplemented
    }
    let address = arguments.first
    let value = UInt32(truncatingIfNeeded: arguments.third)
    let isPrivate = operation.isPrivate
    var deadline: UInt64? = nil
    if operation.command.hasTimeout, arguments.fourth != 0 {
      deadline = try futexDeadline(operation, arguments.fourth)
    }

    switch operation.command {
    case .wait, .waitBits:
      let bits = operation.command == .wait ? UInt32.max : UInt32(truncatingIfNeeded: arguments.sixth)
      guard bits != 0 else { throw .invalid }
      try waitForFutex(address, isPrivate: isPrivate, expected: value, bits: bits, until: deadline)
      return 0
    case .wake, .wakeBits:
      let bits = operation.command == .wake ? UInt32.max : UInt32(truncatingIfNeeded: arguments.sixth)
      guard bits != 0 else { throw .invalid }
      let key = try Futexes.key(address, isPrivate: isPrivate)
      return Int64(try Futexes.wake(key, limit: limit(arguments.third), bits: bits))
    case .requeue, .compareAndRequeue:
      let wakeLimit = limit(arguments.third)
      let moveLimit = limit(arguments.fourth)
      guard wakeLimit >= 0, moveLimit >= 0 else { throw .invalid }
      let expected = operation.command == .requeue ? nil : UInt32(truncatingIfNeeded: arguments.sixth)
      let source = try Futexes.key(address, isPrivate: isPrivate)
      let target = try HeldFutexKey(arguments.fifth, isPrivate: isPrivate)
      return Int64(
        try Futexes.requeue(
          address, source, to: target.key, wakeLimit: wakeLimit, moveLimit: moveLimit, expected: expected))
    case .wakeOperation:
      let change = FutexWakeOperation(encoded: UInt32(truncatingIfNeeded: arguments.sixth))
      let first = try Futexes.key(address, isPrivate: isPrivate)
      let second = try Futexes.key(arguments.fifth, isPrivate: isPrivate)
      return Int64(
        try Futexes.wakeOperation(
          first, arguments.fifth, second, firstLimit: limit(arguments.third),
          secondLimit: limit(arguments.fourth), change))
    case .waitForRequeue:
      guard address != arguments.fifth else { throw .invalid }
      let lock = try HeldFutexKey(arguments.fifth, isPrivate: isPrivate)
      let key = try HeldFutexKey(address, isPrivate: isPrivate)
      try PriorityFutexes.waitForRequeue(address, key.key, expected: value, until: deadline, lock: lock.key)
      return 0
    case .requeueToLock:
      let moveLimit = limit(arguments.fourth)
      guard moveLimit >= 0, address != arguments.fifth, limit(arguments.third) == 1 else { throw .invalid }
      let key = try Futexes.key(address, isPrivate: isPrivate)
      let lock = try HeldFutexKey(arguments.fifth, isPrivate: isPrivate)
      return Int64(
        try PriorityFutexes.requeue(
          address, key, expected: UInt32(truncatingIfNeeded: arguments.sixth), toLockAt: arguments.fifth, lock.key,
          limit: moveLimit))
    case .lockPriority, .lockPriority2, .tryLockPriority:
      let key = try HeldFutexKey(address, isPrivate: isPrivate)
      do throws(Errno) {
        try PriorityFutexes.lock(
          address, key.key, until: deadline, mayWait: operation.command != .tryLockPriority)
      } catch {
        throw error == .interrupted ? .restartAlways : error
      }
      return 0
    case .unlockPriority:
      try PriorityFutexes.unlock(address, isPrivate: isPrivate)
      return 0
    }
  }

  /// futex_waitv(2)
  static func futex_waitv(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let count = Int(arguments.second & 0xFFFF_FFFF)
    guard arguments.third & 0xFFFF_FFFF == 0, (1...FutexVectorEntry.countLimit).contains(count), arguments.first != 0
    else { throw .invalid }
    var deadline: UInt64?
    if arguments.fourth != 0 {
      let clock = Int32(truncatingIfNeeded: arguments.fifth)
      guard clock == 0 || clock == 1 else { throw .invalid }
      deadline = self.deadline(
        of: clock == 0 ? .realTime : .monotonic, at: try timeSpecification(at: arguments.fourth))
    }
    let size = count * MemoryLayout<Futexes.Word>.stride
    guard Frames.freeCount > Frames.reserve, let memory = KernelHeap.allocate(size: size, alignment: 16) else {
      throw .outOfMemory
    }
    defer { KernelHeap.deallocate(memory) }
    let words = memory.bindMemory(to: Futexes.Word.self, capacity: count)
    for index in 0..<count {
      let place = arguments.first &+ UInt64(index * MemoryLayout<FutexVectorEntry>.size)
      guard let entry = UserMemory.load(FutexVectorEntry(), from: place) else { throw .badAddress }
      guard entry.isValid else { throw .invalid }
      (words + index).initialize(
        to: Futexes.Word(
          waiter: FutexWaiter(thread: Scheduler.current), address: entry.address,
          expected: UInt32(truncatingIfNeeded: entry.value), isPrivate: entry.isPrivate))
    }
    do throws(Errno) {
      return Int64(
        try Futexes.wait(forAnyOf: UnsafeMutableBufferPointer(start: words, count: count), until: deadline))
    } catch {
      throw error == .interrupted ? .restart : error
    }
  }

  /// Waits, and after a signal says how the call goes on.
  static func waitForFutex(
    _ address: UInt64, isPrivate: Bool, expected: UInt32, bits: UInt32, until deadline: UInt64?
  ) throws(Errno) {
    let key = try HeldFutexKey(address, isPrivate: isPrivate)
    do throws(Errno) {
      try Futexes.wait(address, key: key.key, expected: expected, until: deadline, bits: bits)
    } catch {
      guard error == .interrupted else { throw error }
      // With a time limit the call cannot simply begin anew.
      guard let deadline else { throw .restart }
      Scheduler.current.pointee.signals.restart = .futex(
        address: address, isPrivate: isPrivate, expected: expected, bits: bits, deadline: deadline)
      throw .restartBlock
    }
  }

  /// A number of waiters, an `int` of the program's.
  private static func limit(_ argument: UInt64) -> Int { Int(Int32(truncatingIfNeeded: argument)) }

  /// FUTEX_WAIT's time is a length, the others' is a point in time.
  private static func futexDeadline(_ operation: FutexOperation, _ address: UInt64) throws(Errno) -> UInt64 {
    let time = try timeSpecification(at: address)
    if operation.command == .wait { return readTimeStampCounter() &+ Time.ticks(nanoseconds: time) }
    return deadline(of: operation.usesWallClock ? .realTime : .monotonic, at: time)
  }
}
