import Instructions

/// A 32-bit word that several CPUs change.
///
/// `Synchronization.Atomic` would be the choice, but a global of that type is initialised on first use, behind
/// a check at each access, and an interrupt in that moment could deadlock its CPU. This is a plain word in
/// the image.
///
/// Only as a global or as a stored property of a class or of a record reached by pointer: its address must
/// not change. Never a copy.
public struct AtomicWord: @unchecked Sendable {
  private var word: UInt32

  @inline(__always)
  public init(_ value: UInt32 = 0) { word = value }

  /// The value; what its writer did before is visible afterwards.
  @inline(__always)
  public mutating func load() -> UInt32 { atomicLoad(&word) }

  /// Sets the value; what was done before is visible to who loads it.
  @inline(__always)
  public mutating func store(_ value: UInt32) { atomicStore(&word, value) }

  /// Adds, wrapping around. Returns the value before.
  @inline(__always)
  @discardableResult
  public mutating func add(_ value: UInt32) -> UInt32 { atomicAdd(&word, value) }

  /// Subtracts, wrapping around. Returns the value before.
  @inline(__always)
  @discardableResult
  public mutating func subtract(_ value: UInt32) -> UInt32 { atomicAdd(&word, 0 &- value) }

  /// Sets bits. Returns the value before.
  @inline(__always)
  @discardableResult
  public mutating func insert(_ bits: UInt32) -> UInt32 { atomicOr(&word, bits) }

  /// Sets the value. Returns the value before.
  @inline(__always)
  @discardableResult
  public mutating func exchange(_ value: UInt32) -> UInt32 { atomicExchange(&word, value) }

  /// Sets the value where it is `expected`. Returns whether it was.
  @inline(__always)
  public mutating func replace(_ expected: UInt32, with value: UInt32) -> Bool {
    atomicCompareExchange(&word, expected, value) != 0
  }
}
