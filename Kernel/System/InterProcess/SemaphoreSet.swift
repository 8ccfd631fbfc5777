import Core
import Machine

/// A set of semaphores (semget(2)).
///
/// Operations that cannot be done wait on a list. Who changes a semaphore does what he has made possible for them, in
/// their order, and wakes those whose operations are done: none wakes up to find that it has to wait again.
final class SemaphoreSet: InterProcessObject, @unchecked Sendable {
  /// What a thread waits for.
  struct Wait {
    let operations: UnsafeBufferPointer<SemaphoreOperation>
    let undo: UnsafeMutablePointer<SemaphoreUndo>?
    let process: Int32
    /// The first operation that cannot be done.
    var blocked: Int
    /// Why they have not been done, once the waiter is off the list; nil where they have.
    var failure: Errno?

    /// The semaphore that it waits for, and whether it is to become 0.
    var reason: (number: UInt16, isForZero: Bool) {
      (operations[blocked].number, operations[blocked].change == 0)
    }
  }

  let semaphores: UnsafeMutableBufferPointer<Semaphore>

  // Under the lock.

  private var operationTime: Int64 = 0
  /// Those that change nothing: they wait for zeros. They come first whenever there is one.
  private var observers = WaitingList<Wait>()
  private var changers = WaitingList<Wait>()
  /// What is to be taken back when processes end.
  var firstUndo: UnsafeMutablePointer<SemaphoreUndo>?

  private init(_ semaphores: UnsafeMutableBufferPointer<Semaphore>, key: Int32, mode: UInt32) {
    self.semaphores = semaphores
    super.init(key: key, mode: mode)
  }

  deinit {
    InterProcessMemory.deallocate(semaphores.baseAddress!, size: Self.size(semaphores.count))
    SemaphoreSets.giveBack(semaphores.count)
  }

  private static func size(_ count: Int) -> Int { count * MemoryLayout<Semaphore>.stride }

  /// A new set, whose semaphores `SemaphoreSets.take` has counted.
  static func make(count: Int, key: Int32, mode: UInt32) throws(Errno) -> SemaphoreSet {
    guard let memory = InterProcessMemory.allocate(size: size(count)) else { throw .outOfMemory }
    let semaphores = UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: Semaphore.self, capacity: count), count: count)
    semaphores.initialize(repeating: Semaphore())
    return SemaphoreSet(semaphores, key: key, mode: mode)
  }

  // MARK: Operations

  /// semop(2). The operations are of semaphores that there are.
  ///
  /// - Parameter usesUndo: whether one of them has SEM_UNDO.
  func perform(
    _ operations: UnsafeBufferPointer<SemaphoreOperation>, usesUndo: Bool, until deadline: UInt64?
  ) throws(Errno) {
    let undo = try lockWithUndo(usesUndo)
    defer { lock.release() }
    let isChanging = operations.contains { $0.change != 0 }
    let process = InterProcess.caller
    switch SemaphoreOperations.perform(
      operations, on: semaphores, adjustments: undo?.pointee.adjustments, process: process)
    {
    case .done:
      operationTime = InterProcessTime.now
      if isChanging, SemaphoreOperations.mayLetOthersGoOn(operations, on: semaphores) { letOthersGoOn() }
    case .failed(let failure): throw failure
    case .waits(let index):
      var waiter = WaitingThread(
        Wait(operations: operations, undo: undo, process: process, blocked: index, failure: nil))
      try withUnsafeMutablePointer(to: &waiter) { waiter throws(Errno) in
        try wait(waiter, isChanging: isChanging, until: deadline)
      }
    }
  }

  /// The lock is held.
  private func wait(
    _ waiter: WaitingList<Wait>.Waiter, isChanging: Bool, until deadline: UInt64?
  ) throws(Errno) {
    if isChanging { changers.append(waiter) } else { observers.append(waiter) }
    let outcome = sleep(waiter, until: deadline)
    if outcome != .woken {
      if isChanging { changers.remove(waiter) } else { observers.remove(waiter) }
      throw outcome == .timedOut ? .tryAgain : .interrupted
    }
    if let failure = waiter.pointee.details.failure { throw failure }
  }

  /// Does what has become possible, after a change. The lock is held.
  private func letOthersGoOn() {
    letObserversGoOn()
    var next = changers.first
    while let waiter = next {
      next = changers.next(after: waiter)
      guard isSettled(waiter) else { continue }
      let isDone = waiter.pointee.details.failure == nil
      let operations = waiter.pointee.details.operations
      let isForOthers = isDone && SemaphoreOperations.mayLetOthersGoOn(operations, on: semaphores)
      changers.wake(waiter)
      if isForOthers {
        letObserversGoOn()
        next = changers.first
      }
    }
  }

  private func letObserversGoOn() {
    var next = observers.first
    while let waiter = next {
      next = observers.next(after: waiter)
      if isSettled(waiter) { observers.wake(waiter) }
    }
  }

  /// Tries a waiter's operations.
  ///
  /// - Returns: whether it need not wait any more, having its operations done or failed.
  private func isSettled(_ waiter: WaitingList<Wait>.Waiter) -> Bool {
    let details = waiter.pointee.details
    switch SemaphoreOperations.perform(
      details.operations, on: semaphores, adjustments: details.undo?.pointee.adjustments, process: details.process)
    {
    case .waits(let index):
      waiter.pointee.details.blocked = index
      return false
    case .done:
      operationTime = InterProcessTime.now
    case .failed(let failure):
      waiter.pointee.details.failure = failure
    }
    return true
  }

  // MARK: Values

  /// A look at a semaphore, or a change of it, with the lock held.
  func withSemaphores<Result>(
    _ body: (UnsafeMutableBufferPointer<Semaphore>) -> Result
  ) throws(Errno) -> Result {
    try lock.withLock { () throws(Errno) in
      try checkIsThere()
      return body(semaphores)
    }
  }

  /// Gives semaphores other values (SETVAL, SETALL). What was to be taken back of them is forgotten.
  ///
  /// - Parameter value: gives the value for a number.
  func setValues(of numbers: Range<Int>, _ value: (Int) -> UInt16) throws(Errno) {
    let process = InterProcess.caller
    try lock.withLock { () throws(Errno) in
      try checkIsThere()
      for number in numbers { semaphores[number] = Semaphore(value: Int32(value(number)), lastProcess: process) }
      var undo = firstUndo
      while let entry = undo {
        for number in numbers { entry.pointee.adjustments[number] = 0 }
        undo = entry.pointee.nextInSet
      }
      changeTime = InterProcessTime.now
      letOthersGoOn()
    }
  }

  /// Adds what a process that ends has left to be added (SEM_UNDO), as far as values go. The lock is held.
  func takeBack(_ entry: UnsafeMutablePointer<SemaphoreUndo>, process: Int32) {
    for number in 0..<semaphores.count where entry.pointee.adjustments[number] != 0 {
      let value = semaphores[number].value + Int32(entry.pointee.adjustments[number])
      semaphores[number].value = min(max(value, 0), Semaphore.largestValue)
      semaphores[number].lastProcess = process
    }
    operationTime = InterProcessTime.now
    letOthersGoOn()
  }

  /// How many threads wait for a semaphore to become larger, or 0 (GETNCNT, GETZCNT).
  func waiterCount(of number: Int, forZero: Bool) throws(Errno) -> Int64 {
    try lock.withLock { () throws(Errno) in
      try checkIsThere()
      return Self.count(observers, number, forZero) + Self.count(changers, number, forZero)
    }
  }

  private static func count(_ list: WaitingList<Wait>, _ number: Int, _ isForZero: Bool) -> Int64 {
    var count: Int64 = 0
    var next = list.first
    while let waiter = next {
      let reason = waiter.pointee.details.reason
      if Int(reason.number) == number, reason.isForZero == isForZero { count += 1 }
      next = list.next(after: waiter)
    }
    return count
  }

  // MARK: Attributes and removal

  var record: SemaphoreSetRecord {
    lock.withLock {
      var record = SemaphoreSetRecord()
      record.permissions = InterProcessPermissionRecord(self)
      record.operationTime = operationTime
      record.changeTime = changeTime
      record.count = UInt64(semaphores.count)
      return record
    }
  }

  /// IPC_RMID: whoever waits gets EIDRM.
  func remove() throws(Errno) {
    guard InterProcess.semaphores.remove(self) else { throw .identifierRemoved }
    lock.acquire()
    isRemoved = true
    while let waiter = changers.first {
      waiter.pointee.details.failure = .identifierRemoved
      changers.wake(waiter)
    }
    while let waiter = observers.first {
      waiter.pointee.details.failure = .identifierRemoved
      observers.wake(waiter)
    }
    while let entry = firstUndo { SemaphoreUndoList.remove(entry, from: self) }
    lock.release()
  }
}

/// All sets together.
enum SemaphoreSets {
  /// Guards what follows; innermost.
  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var storedCount = 0
  nonisolated(unsafe) private static var storedLimits = SemaphoreLimits()

  static var count: Int { lock.withLock { storedCount } }

  static var limits: SemaphoreLimits {
    get { lock.withLock { storedLimits } }
    set {
      lock.withLock { storedLimits = newValue }
      InterProcess.semaphores.limit = Int(newValue.sets)
    }
  }

  static func make(count: Int, key: Int32, flags: UInt64) throws(Errno) -> SemaphoreSet {
    guard count > 0 else { throw .invalid }
    let isTaken = lock.withLock {
      guard count <= Int(storedLimits.total) - storedCount else { return false }
      storedCount += count
      return true
    }
    guard isTaken else { throw .noSpace }
    do throws(Errno) {
      return try SemaphoreSet.make(count: count, key: key, mode: UInt32(truncatingIfNeeded: flags))
    } catch {
      giveBack(count)
      throw error
    }
  }

  static func giveBack(_ count: Int) { lock.withLock { storedCount -= count } }

  static func set(_ identifier: Int32) throws(Errno) -> SemaphoreSet {
    unsafeDowncast(try InterProcess.semaphores.object(identifier), to: SemaphoreSet.self)
  }
}
