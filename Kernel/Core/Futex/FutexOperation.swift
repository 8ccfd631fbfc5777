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
  case waitForRequeue = 11
  case requeueToLock = 12
  case lockPriority2 = 13

  /// Whether its fourth argument is the address of a time.
  public var hasTimeout: Bool {
    switch self {
    case .wait, .waitBits, .waitForRequeue, .lockPriority, .lockPriority2: true
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
    let takesWallClock = command == .waitBits || command == .waitForRequeue || command == .lockPriority2
    if value & wallClock != 0, !takesWallClock { return nil }
    self.command = command
    isPrivate = value & 0x80 != 0
    usesWallClock = value & wallClock != 0 || command == .lockPriority
  }
}

/// One of the words of futex_waitv(2): Linux's `struct futex_waitv`, 24 bytes.
public struct FutexVectorEntry: BitwiseCopyable, Sendable {
  public var value: UInt64 = 0
  public var address: UInt64 = 0
  public var flags: UInt32 = 0
  public var reserved: UInt32 = 0

  public init() {}

  /// How many there may be in a call.
  public static var countLimit: Int { 128 }

  private static var has32Bits: UInt32 { 2 }
  private static var privateFlag: UInt32 { 0x80 }

  /// Whether there is such a word (EINVAL): of 32 bits, with no flag besides but FUTEX_PRIVATE_FLAG.
  public var isValid: Bool { flags & ~Self.privateFlag == Self.has32Bits && reserved == 0 }
  public var isPrivate: Bool { flags & Self.privateFlag != 0 }
}

/// What FUTEX_WAKE_OP does to the second word, and when it wakes that word's waiters too.
public struct FutexWakeOperation: Equatable, Sendable {
  private let operation: UInt32
  private let comparison: UInt32
  private let operand: Int32
  private let reference: Int32

  /// - Parameter encoded: futex(2)'s last argument.
  public init(encoded: UInt32) {
    operation = encoded >> 28 & 7
    comparison = encoded >> 24 & 15
    func signed(_ twelveBits: UInt32) -> Int32 { Int32(bitPattern: twelveBits << 20) >> 20 }
    let given = signed(encoded >> 12 & 0xFFF)
    operand = encoded >> 31 != 0 ? Int32(bitPattern: 1 << UInt32(given & 31)) : given
    reference = signed(encoded & 0xFFF)
  }

  /// Whether there is such an operation (ENOSYS). Else the word stays.
  public var hasOperation: Bool { operation <= 4 }
  /// Whether there is such a comparison (ENOSYS). Else the word is changed all the same, and nobody woken.
  public var hasComparison: Bool { comparison <= 5 }

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
