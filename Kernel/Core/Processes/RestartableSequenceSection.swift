/// Linux's `struct rseq_cs`: a critical section of a restartable sequence (rseq(2)).
public struct RestartableSequenceSection: BitwiseCopyable, Equatable, Sendable {
  public var version: UInt32 = 0
  public var flags: UInt32 = 0
  public var start: UInt64 = 0
  /// The section's length in bytes, up to and with the instruction that commits.
  public var length: UInt64 = 0
  /// Where an interrupted section goes on.
  public var abortHandler: UInt64 = 0

  public init() {}

  /// Whether a kernel follows it; a program with another one is ended.
  ///
  /// - Parameter addressLimit: the first address behind user memory.
  public func isValid(addressLimit: UInt64) -> Bool {
    guard version == 0, flags == 0, start < addressLimit, length <= addressLimit - start,
      abortHandler >= 4, abortHandler < addressLimit
    else { return false }
    return !contains(abortHandler)
  }

  /// Whether an instruction lies in the section.
  public func contains(_ address: UInt64) -> Bool { address &- start < length }
}
