/// What the kernel knows about one 4 KiB frame of physical memory.
///
/// The records form an array indexed by frame number. An all-zero record is a reserved frame, so that the
/// array can start as zeroed memory. Only the first frame of a block carries the block's state; every other
/// frame of it says `reserved`, which neither merges nor can be freed.
public struct FrameRecord: BitwiseCopyable, Sendable {
  /// Frame number of the next record in whichever list this one is on; `noFrame` ends the list.
  public var next: UInt32
  /// Frame number of the previous record in that list, `noFrame` in the first one.
  public var previous: UInt32
  /// Size of the block that starts here: two to this power frames. Valid unless the state is `reserved`.
  public var order: UInt8
  /// What the block that starts here is used for.
  public var state: FrameState
  /// Belongs to the user of an allocated block. `SizeClassHeap` keeps the head of a slab's free list here.
  public var information: UInt16
  /// References to an allocated block, for copy on write. 1 after allocation. In a slab it is the heap's.
  public var referenceCount: UInt32

  /// A frame that no allocator may hand out.
  @inline(__always)
  public init() {
    next = 0
    previous = 0
    order = 0
    state = .reserved
    information = 0
    referenceCount = 0
  }

  /// Ends a list of frames. No machine has this frame: it would lie at 16 TiB less one page.
  public static var noFrame: UInt32 { .max }
}

/// What a block of frames is used for. The values are stable: they are read in a debugger.
public enum FrameState: UInt8, BitwiseCopyable, Sendable {
  /// Not the start of a block: memory that is no RAM, or not to be used, or the inside of a block.
  case reserved = 0
  /// The start of a free block, on the free list of its order.
  case free = 1
  /// The start of a block that was handed out.
  case allocated = 2
  /// A frame of one of the heap's slabs (every frame of the slab, not the first alone).
  case slab = 3
  /// The start of a block that the heap handed out whole.
  case largeObject = 4
}
