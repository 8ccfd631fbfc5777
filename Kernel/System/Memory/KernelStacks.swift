import Core
import Machine

/// Kernel stacks: 16 KiB each, in an area of their own with an unmapped guard page below each, so that an
/// overflow is a double fault with a report and not a silent overwrite.
///
/// A stack that is given back keeps its frames in a pool. What the pool holds beyond its size is unmapped in
/// batches, one TLB shootdown for each.
public enum KernelStacks {
  public static var sizeInBytes: UInt64 { 16384 }
  /// From one stack's top to the next one's: the stack and at least one guard page.
  private static var spacing: UInt64 { 32768 }
  private static var poolLimit: Int { 64 }
  private static var batch: Int { 32 }

  nonisolated(unsafe) private static var lock = SpinLock()
  /// Room for `poolLimit`.
  nonisolated(unsafe) private static var pool: UnsafeMutablePointer<UInt64>?
  nonisolated(unsafe) private static var poolCount = 0
  /// Where no stack has ever been.
  nonisolated(unsafe) private static var nextTop: UInt64 = 0
  /// Places without frames, for reuse: a list through a table of frames is not worth it, so through the
  /// first word of a heap block each.
  nonisolated(unsafe) private static var unmapped: UnsafeMutablePointer<UnmappedPlace>?

  private struct UnmappedPlace {
    let top: UInt64
    let next: UnsafeMutablePointer<UnmappedPlace>?
  }

  /// Makes the top-level page-table entry that all address spaces share. Before the first address space.
  static func initialize() {
    guard let frame = Frames.allocate(order: 0) else { panic("not enough memory for kernel stacks") }
    Frames.clear(frame)
    PageTable.kernel.reserveKernelSlot(Int(STACK_AREA_SLOT), table: frame)
    nextTop = STACK_AREA_BASE + spacing
    pool = KernelHeap.allocateArray(of: UInt64.self, count: poolLimit, repeating: 0)
  }

  /// The top of a stack with all its pages mapped, or nil when memory is out.
  public static func allocate() -> UInt64? {
    lock.withLock {
      if poolCount > 0 {
        poolCount -= 1
        return pool![poolCount]
      }
      let top: UInt64
      if let place = unmapped {
        top = place.pointee.top
        unmapped = place.pointee.next
        KernelHeap.deallocate(place)
      } else {
        top = nextTop
        nextTop += spacing
      }
      if map(top) { return top }
      forget(top)
      return nil
    }
  }

  /// Takes a stack back; nobody runs on it.
  public static func free(_ top: UInt64) {
    lock.withLock {
      if poolCount == poolLimit { shrinkPool(by: batch) }
      pool![poolCount] = top
      poolCount += 1
    }
  }

  /// Gives the pool's frames back to the frame allocator.
  static func trim() {
    lock.withLock { shrinkPool(by: poolCount) }
  }

  private static func pages(of top: UInt64) -> Range<UInt64> { top - sizeInBytes..<top }

  private static func map(_ top: UInt64) -> Bool {
    var address = top - sizeInBytes
    while address < top {
      let entry = PageTable.kernel.makeEntry(for: address, user: false) {
        guard let table = Frames.allocate(order: 0) else { return nil }
        Frames.clear(table)
        return table
      }
      guard let entry, let frame = Frames.allocateForUser()
      else {
        unmap(top)
        return false
      }
      entry.pointee = PageTableEntry(frame: frame, flags: [.present, .writable, .global, .noExecute])
      address += 4096
    }
    return true
  }

  /// Frees the frames of a stack that was never used through the TLB of another CPU, or that was flushed.
  private static func unmap(_ top: UInt64) {
    PageTable.kernel.forEachEntry(in: pages(of: top)) { _, entry in
      let frame = entry.pointee.frame
      entry.pointee = .absent
      Frames.free(frame, order: 0)
    }
  }

  private static func shrinkPool(by count: Int) {
    if count == 0 { return }
    // First no CPU may reach the frames, then they may be used anew.
    var frames = InlineArray<256, PhysicalAddress>(repeating: 0)
    var frameCount = 0
    for _ in 0..<count {
      poolCount -= 1
      let top = pool![poolCount]
      PageTable.kernel.forEachEntry(in: pages(of: top)) { _, entry in
        frames[frameCount] = entry.pointee.frame
        frameCount += 1
        entry.pointee = .absent
      }
      forget(top)
    }
    TLBShootdown.flushKernel()
    for index in 0..<frameCount { Frames.free(frames[index], order: 0) }
  }

  /// Remembers a place without frames.
  private static func forget(_ top: UInt64) {
    guard
      let place = KernelHeap.allocate(
        size: MemoryLayout<UnmappedPlace>.size, alignment: MemoryLayout<UnmappedPlace>.alignment)
    else { return }
    let typed = place.bindMemory(to: UnmappedPlace.self, capacity: 1)
    typed.initialize(to: UnmappedPlace(top: top, next: unmapped))
    unmapped = typed
  }
}
