/// Allocates physical memory in blocks of a power of two frames: a binary buddy allocator.
///
/// A block of order n is 2^n frames and starts at a multiple of its size, so the frame number of its buddy
/// differs in bit n alone. Free blocks of each order are on a doubly linked list through their records, and
/// a bit mask of the orders that have any lets `allocate` find the smallest sufficient one without a search.
/// Neither allocating nor freeing depends on the amount of memory; each takes at most `maximumOrder` steps.
///
/// The caller provides the records, and a lock where several CPUs share one allocator. The value is a handle
/// to the records: use one copy.
public struct FrameAllocator {
  /// The largest block: 2^10 frames, 4 MiB.
  public static var maximumOrder: Int { 10 }
  /// Bytes in a frame.
  public static var frameSizeInBytes: Int { 4096 }

  /// One record for each frame, by frame number.
  public let records: UnsafeMutablePointer<FrameRecord>
  /// The number of records.
  public let frameLimit: Int
  /// Frames that are free now.
  public private(set) var freeFrameCount: Int
  /// Frames that were ever added: free and allocated ones.
  public private(set) var totalFrameCount: Int

  /// The first block of each order's free list.
  private var heads: InlineArray<11, UInt32>
  /// Bit n is set if the free list of order n has a block.
  private var nonemptyOrders: UInt32

  /// An allocator whose frames are all reserved; `add` gives it memory.
  ///
  /// - Parameters:
  ///   - records: memory for `count` records, which this initializes.
  ///   - count: the number of frames, from physical address 0; less than 2^32 - 1.
  public init(records: UnsafeMutablePointer<FrameRecord>, count: Int) {
    records.initialize(repeating: FrameRecord(), count: count)
    self.init(zeroedRecords: records, count: count)
  }

  /// Like `init(records:count:)`, for records that lie in memory that is all zero already.
  public init(zeroedRecords records: UnsafeMutablePointer<FrameRecord>, count: Int) {
    self.records = records
    frameLimit = count
    freeFrameCount = 0
    totalFrameCount = 0
    heads = [.max, .max, .max, .max, .max, .max, .max, .max, .max, .max, .max]
    nonemptyOrders = 0
  }

  /// Makes reserved frames available, in blocks as large as their alignment permits.
  ///
  /// - Parameter frames: frame numbers; what lies beyond the records is ignored. They must be reserved:
  ///   a range that overlaps one added before corrupts the lists, so normalize the memory map first.
  /// - Returns: the number of frames added.
  @discardableResult
  public mutating func add(_ frames: Range<Int>) -> Int {
    var frame = max(frames.lowerBound, 0)
    let end = min(frames.upperBound, frameLimit)
    guard frame < end else { return 0 }
    let added = end - frame
    while frame < end {
      let aligned = frame == 0 ? Self.maximumOrder : frame.trailingZeroBitCount
      let fitting = Int.bitWidth - 1 - (end - frame).leadingZeroBitCount
      let order = min(aligned, fitting, Self.maximumOrder)
      insertMerging(frame, order: order)
      frame += 1 << order
    }
    freeFrameCount += added
    totalFrameCount += added
    return added
  }

  /// Takes a block of 2^order frames, with a reference count of 1.
  ///
  /// - Returns: the number of its first frame, a multiple of 2^order; nil if no block of that size is left
  ///   or the order is not in 0...`maximumOrder`.
  public mutating func allocate(order: Int) -> Int? {
    guard order >= 0, order <= Self.maximumOrder else { return nil }
    let candidates = nonemptyOrders >> UInt32(truncatingIfNeeded: order)
    guard candidates != 0 else { return nil }
    var current = order &+ candidates.trailingZeroBitCount
    let frame = Int(truncatingIfNeeded: heads[unchecked: current])
    unlink(frame, order: current)
    while current > order {
      current &-= 1
      push(frame &+ (1 &<< current), order: current)
    }
    let record = records + frame
    record.pointee.order = UInt8(truncatingIfNeeded: order)
    record.pointee.state = .allocated
    record.pointee.information = 0
    record.pointee.referenceCount = 1
    freeFrameCount &-= 1 &<< order
    return frame
  }

  /// Gives a block back and merges it with its free buddies.
  ///
  /// - Parameters:
  ///   - frame: the block's first frame, as `allocate` returned it.
  ///   - order: the order that it was allocated with.
  /// - Returns: `freed`, or what is wrong with the request, in which case nothing has changed.
  public mutating func free(_ frame: Int, order: Int) -> FreeOutcome {
    guard frame >= 0, frame < frameLimit else { return .outOfRange }
    let record = records + frame
    guard record.pointee.state == .allocated else {
      return record.pointee.state == .free ? .alreadyFree : .notAllocated
    }
    guard Int(record.pointee.order) == order else { return .wrongOrder }
    insertMerging(frame, order: order)
    freeFrameCount &+= 1 &<< order
    return .freed
  }

  /// Adds a reference to an allocated block.
  ///
  /// - Returns: false if no block that was handed out starts at the frame.
  @inline(__always)
  @discardableResult
  public mutating func retain(_ frame: Int) -> Bool {
    guard frame >= 0, frame < frameLimit, records[frame].state == .allocated else { return false }
    // Each reference is an 8-byte page-table entry at least: 2^32 of them do not fit next to the frame.
    records[frame].referenceCount &+= 1
    return true
  }

  /// Drops a reference to an allocated block. The caller frees the block when none remains.
  ///
  /// - Returns: the references that remain; nil if no block with a reference starts at the frame.
  @inline(__always)
  public mutating func release(_ frame: Int) -> UInt32? {
    guard frame >= 0, frame < frameLimit, records[frame].state == .allocated,
      records[frame].referenceCount != 0
    else { return nil }
    let remaining = records[frame].referenceCount &- 1
    records[frame].referenceCount = remaining
    return remaining
  }

  /// The number of free blocks of an order, by walking its list: for reports and tests.
  public func countFreeBlocks(order: Int) -> Int {
    guard order >= 0, order <= Self.maximumOrder else { return 0 }
    var blocks = 0
    var frame = heads[order]
    while frame != FrameRecord.noFrame {
      blocks += 1
      frame = records[Int(frame)].next
    }
    return blocks
  }

  /// Puts a block on the free list of the largest order that its free buddies permit.
  private mutating func insertMerging(_ frame: Int, order: Int) {
    var start = frame
    var current = order
    while current < Self.maximumOrder {
      let buddy = start ^ (1 &<< current)
      guard buddy < frameLimit, records[buddy].state == .free,
        Int(records[buddy].order) == current
      else { break }
      unlink(buddy, order: current)
      // The upper half becomes the inside of the merged block.
      records[start | buddy].state = .reserved
      start &= buddy
      current &+= 1
    }
    push(start, order: current)
  }

  @inline(__always)
  private mutating func push(_ frame: Int, order: Int) {
    let head = heads[unchecked: order]
    let number = UInt32(truncatingIfNeeded: frame)
    let record = records + frame
    record.pointee.next = head
    record.pointee.previous = FrameRecord.noFrame
    record.pointee.order = UInt8(truncatingIfNeeded: order)
    record.pointee.state = .free
    if head != FrameRecord.noFrame { records[Int(truncatingIfNeeded: head)].previous = number }
    heads[unchecked: order] = number
    nonemptyOrders |= 1 &<< UInt32(truncatingIfNeeded: order)
  }

  /// Takes a free block off its list. Its state stays `free` until the caller overwrites it.
  @inline(__always)
  private mutating func unlink(_ frame: Int, order: Int) {
    let next = records[frame].next
    let previous = records[frame].previous
    if next != FrameRecord.noFrame { records[Int(truncatingIfNeeded: next)].previous = previous }
    if previous != FrameRecord.noFrame {
      records[Int(truncatingIfNeeded: previous)].next = next
    } else {
      heads[unchecked: order] = next
      if next == FrameRecord.noFrame { nonemptyOrders &= ~(1 &<< UInt32(truncatingIfNeeded: order)) }
    }
  }
}

/// What came of giving a block of frames back.
public enum FreeOutcome: UInt8, Sendable {
  case freed
  /// The frame number lies beyond the machine's memory.
  case outOfRange
  /// The block is free: a double free.
  case alreadyFree
  /// No block that was handed out starts at the frame.
  case notAllocated
  /// A block starts there, but one of another size.
  case wrongOrder

  /// What to print when the kernel stops over it.
  public var message: StaticString {
    switch self {
    case .freed: "the block was freed"
    case .outOfRange: "freed a frame beyond physical memory"
    case .alreadyFree: "freed a frame that is free already"
    case .notAllocated: "freed a frame at which no allocated block starts"
    case .wrongOrder: "freed a block of frames with another size than it was allocated with"
    }
  }
}
