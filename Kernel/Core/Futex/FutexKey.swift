/// The word of memory that a futex is: what waiters and wakers have to agree on.
///
/// In memory of one process it is the word's address in that address space; in memory that processes share,
/// the physical address, under which all of them know it.
public struct FutexKey: Equatable, Sendable {
  /// The root of the address space; 0 for shared memory.
  public var space: UInt64
  public var address: UInt64

  public init(space: UInt64, address: UInt64) {
    self.space = space
    self.address = address
  }

  /// Shared memory's.
  public init(physicalAddress: UInt64) {
    space = 0
    address = physicalAddress
  }

  public var isShared: Bool { space == 0 }

  /// The frame that shared memory's key names.
  public var frame: UInt64 { address & ~4095 }

  /// Spreads keys over 2^`bits` buckets.
  public func bucket(bits: UInt64) -> Int {
    let mixed = (address >> 2 &+ space >> 12) &* 0x9E37_79B9_7F4A_7C15
    return Int(mixed >> (64 - bits))
  }
}
