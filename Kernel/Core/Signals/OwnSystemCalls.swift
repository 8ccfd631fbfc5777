/// Which system calls of a thread are left to the program (prctl(2), PR_SET_SYSCALL_USER_DISPATCH): those from outside
/// of a range of code, while a byte of its memory says so.
public struct OwnSystemCalls: Equatable, Sendable {
  /// Whether there are any: PR_SYS_DISPATCH_ON.
  public let isOn: Bool
  /// The range, in bytes; it may wrap around.
  private let offset: UInt64
  private let count: UInt64
  /// The address of the byte that is looked at; 0 for none.
  public let selector: UInt64

  /// What becomes of a call.
  public enum Decision: Equatable, Sendable {
    /// It is the kernel's.
    case made
    /// It is the program's: SIGSYS.
    case dispatched
    /// The selector cannot be read: SIGSEGV, and the end.
    case unreadable
    /// The selector has no meaning: SIGSYS, and the end.
    case meaningless
  }

  /// All calls are the kernel's.
  public init() {
    isOn = false
    offset = 0
    count = 0
    selector = 0
  }

  /// As a program asks for it.
  ///
  /// - Parameters:
  ///   - mode: PR_SYS_DISPATCH_OFF (0) or PR_SYS_DISPATCH_ON (1).
  ///   - offset: where the range begins whose calls are the kernel's.
  /// - Throws: EINVAL for another mode, something given to end it, or a range that is empty or wraps around, unless it
  ///   begins at 0; EFAULT for a selector outside of user memory.
  public init(mode: UInt64, offset: UInt64, count: UInt64, selector: UInt64) throws(Errno) {
    switch mode {
    case 0:
      guard offset == 0, count == 0, selector == 0 else { throw .invalid }
    case 1:
      if offset != 0, offset &+ count <= offset { throw .invalid }
      guard selector == 0 || UserAddress.isValid(selector, count: 1) else { throw .badAddress }
    default: throw .invalid
    }
    isOn = mode == 1
    self.offset = offset
    self.count = count
    self.selector = selector
  }

  /// - Parameters:
  ///   - address: behind the instruction that makes the call.
  ///   - read: reads a byte of the program's memory; nil where it cannot.
  public func decide(callBefore address: UInt64, read: (UInt64) -> UInt8?) -> Decision {
    if address &- offset < count { return .made }
    if selector == 0 { return .dispatched }
    switch read(selector) {
    case nil: return .unreadable
    case 0: return .made
    case 1: return .dispatched
    default: return .meaningless
    }
  }
}
