/// The operations of futex(2), by Linux's numbers.
public enum FutexCommand: UInt32, Sendable {
  case wait = 0
  case wake = 1
  case requeue = 3
  case compareAndRequeue = 4
  case wakeOperation = 5
  case lockPriority = 6
  case unlockPriority = 7
  case tryLockPriority = 8
  case waitBits = 9
  case wakeBits = 10
  case lockPriority2 = 13

  /// Whether its fourth argument is the address of a time.
  public var hasTimeout: Bool {
    switch self {
    case .wait, .waitBits, .lockPriority, .lockPriority2: true
    default: false
    }
  }
}

/// futex(2)'s second argument.
public struct FutexOperation: Equatable, Sendable {
  public let command: FutexCommand
  /// Only threads of one process use the word.
  public let isPrivate: Bool
  /// The time that is given is the wall clock's.
  public let usesWallClock: Bool

  /// Nil for an operation that there is not (ENOSYS).
  public init?(_ value: UInt32) {
    let wallClock: UInt32 = 0x100
    guard let command = FutexCommand(rawValue: value & ~(0x80 | wallClock)) else { return nil }
    if value & wallClock != 0, command != .waitBits, command != .lockPriority2 { return nil }
    self.command = command
    isPrivate = value & 0x80 != 0
    usesWallClock = value & wallClock != 0 || command == .lockPriority
  }
}

/// What FUTEX_WAKE_OP does to the second word, and when it wakes that word's waiters too.
public struct FutexWakeOperation: Equatable, Sendable {
  private let operation: UInt32
  private let comparison: UInt32
  private let operand: Int32
  private let reference: Int32

  /// - Parameter encoded: futex(2)'s last argument.
  /// - Returns: nil for an operation or a comparison that there is not (ENOSYS).
  public init?(encoded: UInt32) {
    operation = encoded >> 28 & 7
    comparison = encoded >> 24 & 15
    guard operation <= 4, comparison <= 5 else { return nil }
    func signed(_ twelveBits: UInt32) -> Int32 { Int32(bitPattern: twelveBits << 20) >> 20 }
    let given = signed(encoded >> 12 & 0xFFF)
    operand = encoded >> 31 != 0 ? Int32(bitPattern: 1 << UInt32(given & 31)) : given
    reference = signed(encoded & 0xFFF)
  }

  /// The word's new value.
  public func apply(to old: UInt32) -> UInt32 {
    let value = UInt32(bitPattern: operand)
    switch operation {
    case 0: return value
    case 1: return old &+ value
    case 2: return old | value
    case 3: return old & ~value
    default: return old ^ value
    }
  }

  /// Whether the second word's waiters are woken, by its old value.
  public func isFulfilled(by old: UInt32) -> Bool {
    let value = Int32(bitPattern: old)
    switch comparison {
    case 0: return value == reference
    case 1: return value != reference
    case 2: return value < reference
    case 3: return value <= reference
    case 4: return value > reference
    default: return value >= reference
    }
  }
}
