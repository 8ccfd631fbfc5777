/// A range of bytes that lies wholly in the half of the address space that belongs to user programs.
///
/// Addresses and lengths from a program are any 64-bit numbers. A value of this type shows that their sum
/// does not wrap around and stays below the limit. It says nothing about what is mapped there.
public struct UserRange: Equatable, Sendable {
  /// The first address that no program may use. One page below the end of the lower canonical half: a
  /// SYSCALL at its very end would return to a non-canonical address, at which SYSRET faults in ring 0 on
  /// Intel's processors (Intel SDM volume 2, SYSRET; CVE-2012-0217).
  public static var limit: UInt64 { 0x7fff_ffff_f000 }

  /// The first byte's address.
  public let start: UInt64
  /// The length in bytes; may be 0.
  public let count: UInt64

  /// The address after the last byte, at most `limit`.
  @inline(__always)
  public var end: UInt64 { start &+ count }

  /// The same as a range of addresses.
  @inline(__always)
  public var addresses: Range<UInt64> { Range(uncheckedBounds: (start, end)) }

  /// - Returns: nil if any byte of the range lies at or above `limit`.
  @inline(__always)
  public init?(start: UInt64, count: UInt64) {
    guard UserAddress.isValid(start, count: count) else { return nil }
    self.start = start
    self.count = count
  }

  /// The whole pages that the bytes lie in; empty for an empty range.
  ///
  /// - Returns: nil if any byte of the range lies at or above `limit`.
  @inline(__always)
  public init?(pagesCovering start: UInt64, count: UInt64) {
    guard UserAddress.isValid(start, count: count) else { return nil }
    self.start = UserAddress.pageStart(of: start)
    // The limit is a page boundary, so rounding up stays within it.
    let end = count == 0 ? self.start : (start &+ count &+ 4095) & ~4095
    self.count = end &- self.start
  }
}

/// Checks of addresses that come from user programs.
public enum UserAddress {
  /// Whether all of `count` bytes from an address lie in the user half. For a count of 0 the address itself
  /// may equal the limit.
  @inline(__always)
  public static func isValid(_ start: UInt64, count: UInt64) -> Bool {
    count <= UserRange.limit && start <= UserRange.limit &- count
  }

  /// The start of the page that an address lies in.
  @inline(__always)
  public static func pageStart(of address: UInt64) -> UInt64 { address & ~4095 }

  /// A length rounded up to whole pages; nil if that does not fit in 64 bits.
  @inline(__always)
  public static func roundedUpToPages(_ count: UInt64) -> UInt64? {
    count > UInt64.max &- 4095 ? nil : (count &+ 4095) & ~4095
  }
}
