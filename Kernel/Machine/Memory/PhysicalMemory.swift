import Instructions

/// A physical address in bytes.
public typealias PhysicalAddress = UInt64

/// The direct map: all physical memory at one offset.
public enum PhysicalMemory {
  @inline(__always)
  public static func pointer(to address: PhysicalAddress) -> UnsafeMutableRawPointer {
    // SAFETY: the direct map covers all memory that the frame allocator hands out, and never the null page
    // of the kernel's half.
    UnsafeMutableRawPointer(bitPattern: UInt(address &+ DIRECT_MAP_BASE)).unsafelyUnwrapped
  }

  @inline(__always)
  public static func address(of pointer: UnsafeRawPointer) -> PhysicalAddress {
    UInt64(UInt(bitPattern: pointer)) &- DIRECT_MAP_BASE
  }
}
