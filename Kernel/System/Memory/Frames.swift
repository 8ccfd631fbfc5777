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

  /// The allocator's, for what needs no lock.
  nonisolated(unsafe) private static var storedRecords: UnsafeMutablePointer<FrameRecord>?
  nonisolated(unsafe) private static var storedZeros: UnsafeRawPointer?

  static func initialize(_ allocator: FrameAllocator, directMapSize: UInt64) {
    self.allocator = allocator
    storedRecords = allocator.records
    self.directMapSize = directMapSize
  }

  /// A page of zeros, to be read alone.
  static var zeros: UnsafeRawPointer { storedZeros.unsafelyUnwrapped }

  /// Makes the page of zeros, once there is memory.
  static func initializeZeros() {
    guard let frame = allocate(order: 0) else { panic("not enough memory to start") }
    clear(frame)
    storedZeros = UnsafeRawPointer(PhysicalMemory.pointer(to: frame))
  }

  @inline(__always)
  private static func withAllocator<Result>(_ body: (inout FrameAllocator) -> Result) -> Result {
    lock.withLock { body(&allocator!) }
  }

  static func add(_ frames: Range<Int>) {
    withAllocator { _ = $0.add(frames) }
  }

  /// Gives the whole frames that something lay in which the boot loader left and nobody uses any more.
  static func add(memoryOf bytes: ByteView) {
    guard let base = bytes.base else { return }
    let start = PhysicalMemory.address(of: base)
    let first = Int((start + 4095) >> 12)
    let end = Int((start + UInt64(bytes.count)) >> 12)
    if first < end { add(first..<end) }
  }

  /// A block of 2^order frames with its reference count at 1, for the kernel; nil when memory is out.
  ///
  /// - Parameter count: how many other frames have to stay free.
  public static func allocate(order: Int, leaving count: Int = 0) -> PhysicalAddress? {
    withAllocator { allocator in
      if allocator.freeFrameCount < count + 1 << order { return nil }
      return allocator.allocate(order: order).map { PhysicalAddress($0) << 12 }
    }
  }

  /// Frees a block that `allocate(order:)` returned.
  public static func free(_ block: PhysicalAddress, order: Int) {
    let outcome = withAllocator { $0.free(Int(block >> 12), order: order) }
    if outcome != .freed { refuse(block, outcome) }
  }

  /// Apart, so that the message takes room on the stack only once it is needed.
  @inline(never)
  private static func refuse(_ block: PhysicalAddress, _ outcome: FreeOutcome) -> Never {
    panic("frame \(hex: block): \(outcome.message)")
  }

  /// A frame for a program or on its account; nil when only the reserve is left.
  public static func allocateForUser() -> PhysicalAddress? {
    withAllocator { allocator in
      if allocator.freeFrameCount <= reserve { return nil }
      return allocator.allocate(order: 0).map { PhysicalAddress($0) << 12 }
    }
  }

  /// A frame for the contents of a file; nil while less than a sixteenth of the memory is free, so that a
  /// file which takes all it can get leaves room for programs.
  public static func allocateForFile() -> PhysicalAddress? {
    withAllocator { allocator in
      if allocator.freeFrameCount <= reserve + allocator.totalFrameCount >> 4 { return nil }
      return allocator.allocate(order: 0).map { PhysicalAddress($0) << 12 }
    }
  }

  /// How many frames `allocateForFile` would give.
  static var freeForFiles: UInt64 {
    withAllocator { UInt64(max($0.freeFrameCount - reserve - $0.totalFrameCount >> 4, 0)) }
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

  /// Copies the first bytes of a frame to another, which gets zeros behind them.
  static func copy(from source: PhysicalAddress, to target: PhysicalAddress, count: Int = 4096) {
    let memory = PhysicalMemory.pointer(to: target)
    memory.copyMemory(from: PhysicalMemory.pointer(to: source), byteCount: count)
    if count < 4096 { (memory + count).initializeMemory(as: UInt8.self, repeating: 0, count: 4096 - count) }
  }

  /// One more reference to a frame, by somebody who holds one or keeps another from giving it up.
  @inline(__always)
  public static func retain(_ frame: PhysicalAddress) {
    let record = records + Int(frame >> 12)
    check(record.pointee.state == .allocated, "a frame that is not allocated is retained")
    // Each reference is an 8-byte page-table entry or lasts for one copy: 2^32 of them do not fit next to the
    // frame.
    _ = atomicAdd(&record.pointee.referenceCount, 1)
  }

  /// One reference to a frame less; frees it with the last.
  @inline(__always)
  public static func release(_ frame: PhysicalAddress) {
    let record = records + Int(frame >> 12)
    check(record.pointee.state == .allocated, "a frame that is not allocated is released")
    if atomicAdd(&record.pointee.referenceCount, .max) == 1 { free(frame, order: 0) }
  }

  /// Whether nobody but the caller has a reference to the frame. Stable only under the lock of the address
  /// space that maps it, and only where the answer is yes.
  @inline(__always)
  public static func isExclusive(_ frame: PhysicalAddress) -> Bool {
    atomicLoad(&records[Int(frame >> 12)].referenceCount) == 1
  }

  /// Whether a frame has so many holders: each page table, and the store whose page it is.
  static func isHeld(_ frame: PhysicalAddress, times count: UInt32) -> Bool {
    atomicLoad(&records[Int(frame >> 12)].referenceCount) == count
  }

  /// Says that a frame is a store's page, so that mappings tell it from copies that are a program's own. It stays so
  /// when the store gives it up.
  @inline(__always)
  static func markAsStored(_ frame: PhysicalAddress) { records[Int(frame >> 12)].information = 1 }

  /// Says that a store's page has been made ahead of its use (fallocate(2)), until `markAsStored`.
  static func markAsReserved(_ frame: PhysicalAddress) { records[Int(frame >> 12)].information = 2 }
  static func isReserved(_ frame: PhysicalAddress) -> Bool { records[Int(frame >> 12)].information == 2 }

  /// Whether a frame is, or was, a store's page.
  @inline(__always)
  static func isStored(_ frame: PhysicalAddress) -> Bool { records[Int(frame >> 12)].information != 0 }

  /// A frame that nobody else has becomes its holder's own.
  @inline(__always)
  static func markAsOwn(_ frame: PhysicalAddress) { records[Int(frame >> 12)].information = 0 }

  public static var freeCount: Int { withAllocator { $0.freeFrameCount } }
  public static var totalCount: Int { withAllocator { $0.totalFrameCount } }

  @inline(__always)
  static var records: UnsafeMutablePointer<FrameRecord> { storedRecords.unsafelyUnwrapped }
  static var limit: Int { allocator!.frameLimit }
}
