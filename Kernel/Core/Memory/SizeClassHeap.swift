/// The kernel's heap: objects of a few sizes from slabs, everything larger in whole blocks of frames.
///
/// A slab is one or two frames cut into objects of one size class. Its free objects form a list through
/// their first bytes; the list's head and the number of objects in use are in the frame's record, so that
/// objects are aligned to the largest power of two that divides their size. Slabs with free objects are on
/// a list for each class. One wholly free slab for each class is kept back, so that a single object that
/// comes and goes does not move frames; further ones return to the frame source at once.
///
/// Allocating and freeing a small object takes constant time. The caller provides the lock. Wrong pointers
/// and double frees are told apart and refused where the records or the mark in free objects show them.
public struct SizeClassHeap<Source: FrameSource> {
  /// Where whole frames come from and go to.
  public var source: Source
  /// Bytes in objects that are handed out, rounded up to their classes' sizes or to whole frames.
  public private(set) var bytesInUse: Int
  /// Frames that the heap holds, in slabs and large objects.
  public private(set) var framesHeld: Int

  /// For each class, the first slab that has objects both free and in use.
  private var partialSlabs: InlineArray<14, UInt32>
  /// For each class, the slab that is kept although no object of it is in use.
  private var emptySlabs: InlineArray<14, UInt32>

  /// A heap that holds no frames yet.
  public init(source: Source) {
    self.source = source
    bytesInUse = 0
    framesHeld = 0
    partialSlabs = [
      .max, .max, .max, .max, .max, .max, .max, .max, .max, .max, .max, .max, .max, .max,
    ]
    emptySlabs = [
      .max, .max, .max, .max, .max, .max, .max, .max, .max, .max, .max, .max, .max, .max,
    ]
  }

  /// Allocates memory with undefined contents.
  ///
  /// - Parameters:
  ///   - size: in bytes; 0 counts as 1. The largest is 4 MiB.
  ///   - alignment: in bytes, a power of two up to 4096.
  /// - Returns: nil if memory is exhausted or a parameter is out of its range.
  public mutating func allocate(size: Int, alignment: Int = 16) -> UnsafeMutableRawPointer? {
    guard size >= 0, alignment > 0, alignment <= 4096, alignment & (alignment &- 1) == 0 else { return nil }
    var rounded = max(size, 1)
    if alignment > 16 {
      // A class above half of its size is divisible by every power of two that divides the size.
      guard rounded <= Int.max &- 4096 else { return nil }
      rounded = (rounded &+ alignment &- 1) & ~(alignment &- 1)
    }
    guard rounded <= SizeClass.largestSizeInBytes else { return allocateLarge(rounded) }
    let sizeClass = SizeClass(fitting: rounded)
    var frame = partialSlabs[unchecked: sizeClass.index]
    if frame == FrameRecord.noFrame {
      frame = emptySlabs[unchecked: sizeClass.index]
      if frame != FrameRecord.noFrame {
        emptySlabs[unchecked: sizeClass.index] = FrameRecord.noFrame
      } else {
        frame = makeSlab(of: sizeClass)
        if frame == FrameRecord.noFrame { return nil }
      }
      pushPartial(frame, sizeClass)
    }
    let record = source.records + Int(truncatingIfNeeded: frame)
    let slab = address(ofFrame: frame)
    let object = slab + Int(record.pointee.freeUnit) &* 16
    let link = object.assumingMemoryBound(to: FreeObject.self)
    record.pointee.freeUnit = UInt16(truncatingIfNeeded: link.pointee.nextUnit)
    link.pointee.mark = 0
    record.pointee.objectsInUse &+= 1
    if record.pointee.freeUnit == FrameRecord.noUnit { unlinkPartial(frame, sizeClass) }
    bytesInUse &+= sizeClass.sizeInBytes
    return object
  }

  /// Frees what `allocate` returned.
  ///
  /// - Returns: `freed`, or what is wrong with the pointer, in which case nothing has changed.
  @discardableResult
  public mutating func deallocate(_ pointer: UnsafeMutableRawPointer) -> HeapOutcome {
    let frame = source.frameNumber(of: pointer)
    guard frame >= 0, frame < source.frameLimit else { return .notFromHeap }
    let record = source.records + frame
    guard record.pointee.state == .slab else { return deallocateLarge(pointer, record) }
    let sizeClass = record.pointee.sizeClass
    let head = frame & ~((1 &<< sizeClass.slabOrder) &- 1)
    let number = UInt32(truncatingIfNeeded: head)
    let headRecord = source.records + head
    let offset = pointer - address(ofFrame: number)
    guard offset & 15 == 0 else { return .notFromHeap }
    let link = pointer.assumingMemoryBound(to: FreeObject.self)
    let mark = FreeObject.mark(at: pointer)
    guard headRecord.pointee.objectsInUse != 0, link.pointee.mark != mark else { return .alreadyFree }
    let wasFull = headRecord.pointee.freeUnit == FrameRecord.noUnit
    link.pointee.nextUnit = UInt64(headRecord.pointee.freeUnit)
    link.pointee.mark = mark
    headRecord.pointee.freeUnit = UInt16(truncatingIfNeeded: offset &>> 4)
    headRecord.pointee.objectsInUse &-= 1
    bytesInUse &-= sizeClass.sizeInBytes
    if headRecord.pointee.objectsInUse == 0 {
      if !wasFull { unlinkPartial(number, sizeClass) }
      if emptySlabs[unchecked: sizeClass.index] == FrameRecord.noFrame {
        emptySlabs[unchecked: sizeClass.index] = number
      } else {
        releaseSlab(number, sizeClass)
      }
    } else if wasFull {
      pushPartial(number, sizeClass)
    }
    return .freed
  }

  /// The bytes that may be used at a pointer that `allocate` returned: at least as many as were asked for.
  ///
  /// - Returns: nil if the heap handed nothing out there.
  public func sizeOfAllocation(_ pointer: UnsafeRawPointer) -> Int? {
    let frame = source.frameNumber(of: pointer)
    guard frame >= 0, frame < source.frameLimit else { return nil }
    let record = source.records + frame
    switch record.pointee.state {
    case .slab: return record.pointee.sizeClass.sizeInBytes
    case .largeObject: return 4096 &<< Int(record.pointee.order)
    default: return nil
    }
  }

  /// Gives the empty slabs that are kept back to the frame source, as when memory runs short.
  ///
  /// - Returns: the number of frames given back.
  @discardableResult
  public mutating func releaseEmptySlabs() -> Int {
    let before = framesHeld
    for index in 0..<SizeClass.count where emptySlabs[index] != FrameRecord.noFrame {
      releaseSlab(emptySlabs[index], SizeClass(index: index))
      emptySlabs[index] = FrameRecord.noFrame
    }
    return before - framesHeld
  }

  // MARK: Large objects

  private mutating func allocateLarge(_ size: Int) -> UnsafeMutableRawPointer? {
    guard size <= 4096 &<< FrameAllocator.maximumOrder else { return nil }
    let lastFrame = (size &- 1) &>> 12
    let order = Int.bitWidth &- lastFrame.leadingZeroBitCount
    guard let start = source.allocateRun(order: order) else { return nil }
    source.record(for: start).pointee.state = .largeObject
    framesHeld &+= 1 &<< order
    bytesInUse &+= 4096 &<< order
    return start
  }

  private mutating func deallocateLarge(
    _ pointer: UnsafeMutableRawPointer, _ record: UnsafeMutablePointer<FrameRecord>
  ) -> HeapOutcome {
    guard record.pointee.state == .largeObject, UInt(bitPattern: pointer) & 4095 == 0 else {
      return .notFromHeap
    }
    let order = Int(record.pointee.order)
    record.pointee.state = .allocated
    source.freeRun(pointer, order: order)
    framesHeld &-= 1 &<< order
    bytesInUse &-= 4096 &<< order
    return .freed
  }

  // MARK: Slabs

  @inline(__always)
  private func address(ofFrame frame: UInt32) -> UnsafeMutableRawPointer {
    source.directMap + Int(truncatingIfNeeded: frame) &* 4096
  }

  /// Cuts new frames into objects, in ascending order. The slab is on no list yet.
  private mutating func makeSlab(of sizeClass: SizeClass) -> UInt32 {
    let order = sizeClass.slabOrder
    guard let start = source.allocateRun(order: order) else { return FrameRecord.noFrame }
    let size = sizeClass.sizeInBytes
    let lastOffset = ((4096 &<< order) / size &- 1) &* size
    var next = UInt64(FrameRecord.noUnit)
    var offset = lastOffset
    while offset >= 0 {
      let object = start + offset
      object.initializeMemory(
        as: FreeObject.self, to: FreeObject(nextUnit: next, mark: FreeObject.mark(at: object)))
      next = UInt64(truncatingIfNeeded: offset &>> 4)
      offset &-= size
    }
    let frame = source.frameNumber(of: start)
    for inside in frame..<frame &+ (1 &<< order) {
      source.records[inside].state = .slab
      source.records[inside].order = UInt8(truncatingIfNeeded: order)
      source.records[inside].beginSlab(of: sizeClass)
    }
    framesHeld &+= 1 &<< order
    return UInt32(truncatingIfNeeded: frame)
  }

  private mutating func releaseSlab(_ frame: UInt32, _ sizeClass: SizeClass) {
    let order = sizeClass.slabOrder
    let head = source.records + Int(truncatingIfNeeded: frame)
    // As `allocateRun` left them: the first record speaks for the block.
    for inside in 0..<1 &<< order { head[inside].state = .reserved }
    head.pointee.state = .allocated
    head.pointee.information = 0
    head.pointee.referenceCount = 1
    source.freeRun(address(ofFrame: frame), order: order)
    framesHeld &-= 1 &<< order
  }

  @inline(__always)
  private mutating func pushPartial(_ frame: UInt32, _ sizeClass: SizeClass) {
    let head = partialSlabs[unchecked: sizeClass.index]
    let record = source.records + Int(truncatingIfNeeded: frame)
    record.pointee.next = head
    record.pointee.previous = FrameRecord.noFrame
    if head != FrameRecord.noFrame { source.records[Int(truncatingIfNeeded: head)].previous = frame }
    partialSlabs[unchecked: sizeClass.index] = frame
  }

  @inline(__always)
  private mutating func unlinkPartial(_ frame: UInt32, _ sizeClass: SizeClass) {
    let next = source.records[Int(truncatingIfNeeded: frame)].next
    let previous = source.records[Int(truncatingIfNeeded: frame)].previous
    if next != FrameRecord.noFrame { source.records[Int(truncatingIfNeeded: next)].previous = previous }
    if previous != FrameRecord.noFrame {
      source.records[Int(truncatingIfNeeded: previous)].next = next
    } else {
      partialSlabs[unchecked: sizeClass.index] = next
    }
  }
}

/// The first bytes of an object that is not in use.
private struct FreeObject: BitwiseCopyable {
  /// Where the next free object of the slab starts, in units of 16 bytes; `noUnit` ends the list.
  var nextUnit: UInt64
  /// Tells a free object from one in use, whose bytes would have to equal its own scrambled address.
  var mark: UInt64

  @inline(__always)
  static func mark(at address: UnsafeMutableRawPointer) -> UInt64 {
    UInt64(UInt(bitPattern: address)) ^ 0xf4ee_0b1e_c7f4_ee0b
  }
}

/// The heap's use of the fields that a block's user may fill.
extension FrameRecord {
  /// Ends a slab's free list: no slab has that many units of 16 bytes.
  fileprivate static var noUnit: UInt16 { .max }

  /// Where the slab's first free object starts, in units of 16 bytes.
  fileprivate var freeUnit: UInt16 {
    @inline(__always) get { information }
    @inline(__always) set { information = newValue }
  }

  /// The class is kept above the number of objects in use: a slab has 256 of them at most.
  fileprivate var sizeClass: SizeClass {
    @inline(__always) get { SizeClass(index: Int(referenceCount &>> 16)) }
  }

  fileprivate var objectsInUse: UInt32 {
    @inline(__always) get { referenceCount & 0xffff }
    @inline(__always) set { referenceCount = referenceCount & 0xffff_0000 | newValue & 0xffff }
  }

  fileprivate mutating func beginSlab(of sizeClass: SizeClass) {
    freeUnit = 0
    referenceCount = UInt32(truncatingIfNeeded: sizeClass.index) &<< 16
  }
}

/// What came of freeing a pointer.
public enum HeapOutcome: UInt8, Sendable {
  case freed
  /// The heap handed nothing out at the address.
  case notFromHeap
  /// The object is free: a double free.
  case alreadyFree

  /// What to print when the kernel stops over it.
  public var message: StaticString {
    switch self {
    case .freed: "the object was freed"
    case .notFromHeap: "freed a pointer that the heap did not hand out"
    case .alreadyFree: "freed an object that is free already"
    }
  }
}
