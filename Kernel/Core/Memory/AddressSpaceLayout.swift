/// Where the parts of a program lie in its address space, chosen at random so that an attacker cannot know
/// (proc_sys_kernel(5), randomize_va_space).
public struct AddressSpaceLayout: Equatable, Sendable {
  /// The address after the first stack.
  public var stackTop: UInt64
  /// Where mmap begins to look for room, downwards.
  public var mappingTop: UInt64
  /// Where a position-independent program goes.
  public var programBase: UInt64
  /// What lies between a program's last segment and its heap, in bytes.
  public var breakOffset: UInt64

  /// Of a program that has switched randomisation off (personality(2), ADDR_NO_RANDOMIZE).
  public static var fixed: AddressSpaceLayout { AddressSpaceLayout(stackLimit: defaultStackLimit, random: (0, 0)) }

  public static var defaultStackLimit: UInt64 { 8 << 20 }

  /// - Parameters:
  ///   - stackLimit: RLIMIT_STACK, in bytes: that much room is kept below the stack, within bounds.
  ///   - random: bits of which every one counts; zeros for no randomisation.
  public init(stackLimit: UInt64, random: (UInt64, UInt64)) {
    // As many bits as on Linux: 22 for the stack, 28 for mmap and the program, 25 bits of pages below 32 MiB
    // for the heap.
    let stackShift = (random.0 & 0x3F_FFFF) &<< 12
    stackTop = UserRange.limit &- 4096 &- stackShift
    // From 128 MiB to five sixths of the address space, and what the stack's own place may take.
    let largest = UserRange.limit / 6 &* 5
    let gap = min(max(stackLimit, 128 << 20), largest) &+ RegionGuard.sizeInBytes &+ 0x4_0000_0000
    mappingTop = (UserRange.limit &- gap &- ((random.0 &>> 22 & 0xFFF_FFFF) &<< 12)) & ~4095
    programBase = 0x5555_5555_4000 &+ ((random.1 & 0xFFF_FFFF) &<< 12)
    breakOffset = (random.1 &>> 28 & 0x1FFF) &<< 12
  }
}

/// The distance that is kept below stacks.
enum RegionGuard {
  static var sizeInBytes: UInt64 { RegionMap.stackGuardSizeInBytes }
}
