/// The stack that a thread has set aside for handlers (sigaltstack(2)), laid out as `stack_t`: 24 bytes.
public struct AlternateSignalStack: BitwiseCopyable, Sendable {
  public var base: UInt64
  public var flags: UInt32
  private var padding: UInt32 = 0
  /// In bytes; 0 where there is none.
  public var size: UInt64

  /// No stack, as a new thread has it and as one is left that was disarmed.
  public static var none: AlternateSignalStack { AlternateSignalStack(base: 0, flags: disabled, size: 0) }

  /// No stack, as the first program has it: Linux has no flag set there, which a signal's frame shows.
  public static var initial: AlternateSignalStack { AlternateSignalStack(base: 0, flags: 0, size: 0) }

  /// What execve(2) leaves: no stack, and the flags as they were.
  public var afterExec: AlternateSignalStack { AlternateSignalStack(base: 0, flags: flags, size: 0) }

  public init(base: UInt64, flags: UInt32, size: UInt64) {
    self.base = base
    self.flags = flags
    self.size = size
  }

  public static var onStack: UInt32 { 1 }
  public static var disabled: UInt32 { 2 }
  /// The stack is forgotten when a handler begins on it, until that handler returns.
  public static var autodisarm: UInt32 { 0x8000_0000 }

  /// The size in bytes below which Linux takes no stack on x86-64, whatever the CPU's registers need (MINSIGSTKSZ). A
  /// frame that does not fit later ends the program.
  public static var smallestSize: UInt64 { 2048 }

  public var isAutodisarmed: Bool { flags & Self.autodisarm != 0 }
  public var top: UInt64 { base &+ size }

  /// Whether a stack pointer lies on it. Stacks grow down, so that the end belongs to it and the base does not.
  public func holds(_ stackPointer: UInt64) -> Bool { stackPointer > base && stackPointer &- base <= size }

  /// Whether a handler runs on it. One that is disarmed is never in use.
  public func isInUse(at stackPointer: UInt64) -> Bool { !isAutodisarmed && holds(stackPointer) }

  /// What sigaltstack(2) reports, by where the caller's stack pointer is.
  public func reported(at stackPointer: UInt64) -> AlternateSignalStack {
    let state = size == 0 ? Self.disabled : isInUse(at: stackPointer) ? Self.onStack : 0
    return AlternateSignalStack(base: base, flags: state | flags & Self.autodisarm, size: size)
  }

  public enum Refusal: Error, Equatable, Sendable {
    /// EPERM: the thread stands on the stack that it wants to change.
    case inUse
    /// EINVAL: flags that there are not.
    case invalid
    /// ENOMEM: too small for a signal's frame.
    case tooSmall
  }

  /// Checks what a program asks for.
  ///
  /// - Parameters:
  ///   - request: as the program gives it.
  ///   - stackPointer: the program's.
  /// - Returns: the stack to keep.
  public func replaced(
    by request: AlternateSignalStack, stackPointer: UInt64
  ) throws(Refusal) -> AlternateSignalStack {
    if isInUse(at: stackPointer) { throw .inUse }
    let mode = request.flags & ~Self.autodisarm
    guard mode == 0 || mode == Self.onStack || mode == Self.disabled else { throw .invalid }
    if base == request.base, size == request.size, flags == request.flags { return self }
    if mode == Self.disabled { return AlternateSignalStack(base: 0, flags: request.flags, size: 0) }
    guard request.size >= Self.smallestSize else { throw .tooSmall }
    return AlternateSignalStack(base: request.base, flags: request.flags, size: request.size)
  }
}
