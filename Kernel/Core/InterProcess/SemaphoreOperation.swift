/// What semop(2) does with one semaphore: Linux's `struct sembuf`.
public struct SemaphoreOperation: BitwiseCopyable, Sendable {
  public var number: UInt16
  public var change: Int16
  public var flags: UInt16

  public init(number: UInt16 = 0, change: Int16 = 0, flags: UInt16 = 0) {
    self.number = number
    self.change = change
    self.flags = flags
  }

  /// IPC_NOWAIT
  public static var noWait: UInt16 { 0o4000 }
  /// SEM_UNDO
  public static var undo: UInt16 { 0x1000 }
}

/// A semaphore of a set.
public struct Semaphore: BitwiseCopyable, Sendable {
  /// 0 to `largestValue`.
  public var value: Int32
  /// The process that has changed it last, or waited for its being 0.
  public var lastProcess: Int32

  public init(value: Int32 = 0, lastProcess: Int32 = 0) {
    self.value = value
    self.lastProcess = lastProcess
  }

  /// SEMVMX, which SEMAEM equals.
  public static var largestValue: Int32 { 32767 }
}

/// What becomes of an array of operations.
public enum SemaphoreOutcome: Equatable, Sendable {
  /// All have been done.
  case done
  /// None has been done: the one with this index has to wait.
  case waits(Int)
  /// None has been done, for this reason.
  case failed(Errno)
}

public enum SemaphoreOperations {
  /// Does all operations of an array, one after the other, or none (semop(2)).
  ///
  /// - Parameters:
  ///   - operations: all of semaphores that there are.
  ///   - adjustments: what is to be added to each semaphore when the process ends (SEM_UNDO); nil where no operation
  ///     asks for it.
  ///   - process: who does it.
  public static func perform(
    _ operations: UnsafeBufferPointer<SemaphoreOperation>, on semaphores: UnsafeMutableBufferPointer<Semaphore>,
    adjustments: UnsafeMutablePointer<Int16>?, process: Int32
  ) -> SemaphoreOutcome {
    for index in 0..<operations.count {
      if let failure = performOne(operations[index], at: index, on: semaphores, adjustments) {
        takeBack(operations, count: index, on: semaphores, adjustments)
        return failure
      }
    }
    for index in 0..<operations.count { semaphores[Int(operations[index].number)].lastProcess = process }
    return .done
  }

  /// - Returns: nil where it has been done.
  @inline(__always)
  private static func performOne(
    _ operation: SemaphoreOperation, at index: Int, on semaphores: UnsafeMutableBufferPointer<Semaphore>,
    _ adjustments: UnsafeMutablePointer<Int16>?
  ) -> SemaphoreOutcome? {
    let number = Int(operation.number)
    let old = semaphores[number].value
    let new = old + Int32(operation.change)
    if operation.change == 0 && old != 0 || new < 0 {
      return operation.flags & SemaphoreOperation.noWait != 0 ? .failed(.tryAgain) : .waits(index)
    }
    if new > Semaphore.largestValue { return .failed(.outOfRange) }
    if operation.flags & SemaphoreOperation.undo != 0, let adjustments {
      let adjustment = Int32(adjustments[number]) - Int32(operation.change)
      guard adjustment >= -Semaphore.largestValue - 1, adjustment <= Semaphore.largestValue else {
        return .failed(.outOfRange)
      }
      adjustments[number] = Int16(adjustment)
    }
    semaphores[number].value = new
    return nil
  }

  /// Takes the first operations back, the last one first.
  private static func takeBack(
    _ operations: UnsafeBufferPointer<SemaphoreOperation>, count: Int,
    on semaphores: UnsafeMutableBufferPointer<Semaphore>, _ adjustments: UnsafeMutablePointer<Int16>?
  ) {
    var index = count
    while index > 0 {
      index -= 1
      let operation = operations[index]
      semaphores[Int(operation.number)].value -= Int32(operation.change)
      if operation.flags & SemaphoreOperation.undo != 0 {
        adjustments?[Int(operation.number)] += operation.change
      }
    }
  }

  /// Whether operations that have been done may let others go on that had to wait before: they have added something, or
  /// made a semaphore 0.
  public static func mayLetOthersGoOn(
    _ operations: UnsafeBufferPointer<SemaphoreOperation>, on semaphores: UnsafeMutableBufferPointer<Semaphore>
  ) -> Bool {
    for operation in operations {
      if operation.change > 0 || operation.change < 0 && semaphores[Int(operation.number)].value == 0 { return true }
    }
    return false
  }
}
