import Core
import Machine

/// Physical memory: the frame allocator with its lock.
///
/// Usable in any context in which an `InterruptLock` is.
public enum Frames {
  nonisolated(unsafe) private static var lock = InterruptLock()
  nonisolated(unsafe) private static var allocator: FrameAllocator?
  /// In bytes: the direct map covers this much from physical address 0.
  nonisolated(unsafe) public private(set) static var directMapSize: UInt64 = 4 << 30

  /// Frames that only the kernel's own small objects may use, so that a program that takes all memory
  /// cannot make an allocation fail whose failure the kernel could not handle. 2 MiB.
  public static var reserve: Int { 512 }

  static func initialize(_ allocator: FrameAllocator, directMapSize: UInt64) {
    self.allocator = allocator
    self.directMapSize = directMapSize
  }

  @inline(__always)
  private static func withAllocator<Result>(_ body: (inout FrameAllocator) -> Result) -> Result {
    lock.withLock { body(&allocator!) }
  }

  static func add(_ frames: Range<Int>) {
    withAllocator { _ = $0.add(frames) }
  }

  /// A block of 2^order frames with its reference count at 1, for the kernel; nil when memory is out.
  public static func allocate(order: Int) -> PhysicalAddress? {
    withAllocator { allocator in
      allocator.allocate(order: order).map { PhysicalAddress($0) << 12 }
    }
  }

  /// Frees a block that `allocate(order:)` returned.
  public static func free(_ block: PhysicalAddress, order: Int) {
    let outcome = withAllocator { $0.free(Int(block >> 12), order: order) }
    if outcome != .freed { panic("frame \(hex: block): \(outcome.message)") }
  }

  /// A frame for a program or on its account; nil when only the reserve is left.
  public static func allocateForUser() -> PhysicalAddress? {
    withAllocator { allocator in
      if allocator.freeFrameCount <= reserve { return nil }
      return allocator.allocate(order: 0).map { PhysicalAddress($0) << 12 }
    }
  }

  /// As `allocateForUser`, filled with zeros.
  public static func allocateZeroedForUser() -> PhysicalAddress? {
    guard let frame = allocateForUser() else { return nil }
    clear(frame)
    return frame
  }

  public static func clear(_ frame: PhysicalAddress) {
    PhysicalMemory.pointer(to: frame).initializeMemory(as: UInt8.self, repeating: 0, count: 4096)
  }

  /// One more mapping of a frame.
  public static func retain(_ frame: PhysicalAddress) {
    let isRetained = withAllocator { $0.retain(Int(frame >> 12)) }
    if !isRetained { panic("frame \(hex: frame) cannot be shared") }
  }

  /// One mapping of a frame less; frees it with the last.
  public static func release(_ frame: PhysicalAddress) {
    let outcome: FreeOutcome = withAllocator { allocator in
      guard let remaining = allocator.release(Int(frame >> 12)) else { return .notAllocated }
      return remaining == 0 ? allocator.free(Int(frame >> 12), order: 0) : .freed
    }
    if outcome != .freed { panic("frame \(hex: frame): \(outcome.message)") }
  }

  /// Whether nobody but the caller maps the frame. Stable only under the lock of the address space that maps
  /// it, and only where the answer is yes.
  public static func isExclusive(_ frame: PhysicalAddress) -> Bool {
    withAllocator { $0.records[Int(frame >> 12)].referenceCount == 1 }
  }

  public static var freeCount: Int { withAllocator { $0.freeFrameCount } }
  public static var totalCount: Int { withAllocator { $0.totalFrameCount } }

  static var records: UnsafeMutablePointer<FrameRecord> { allocator!.records }
  static var limit: Int { allocator!.frameLimit }
}
