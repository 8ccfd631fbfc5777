import Core
import Machine

/// The kernel's heap: what Swift's objects and arrays, and the kernel's records, are allocated from.
///
/// Usable wherever an `InterruptLock` is. Running out while a Swift object is allocated cannot be handled;
/// `Frames.reserve` keeps programs from causing that.
public enum KernelHeap {
  /// Takes the heap's frames from the direct map.
  struct DirectMapFrames: FrameSource {
    var directMap: UnsafeMutableRawPointer { PhysicalMemory.pointer(to: 0) }
    var records: UnsafeMutablePointer<FrameRecord> { Frames.records }
    var frameLimit: Int { Frames.limit }

    func allocateRun(order: Int) -> UnsafeMutableRawPointer? {
      Frames.allocate(order: order, leaving: KernelHeap.remainder).map { PhysicalMemory.pointer(to: $0) }
    }

    func freeRun(_ start: UnsafeMutableRawPointer, order: Int) {
      Frames.free(PhysicalMemory.address(of: start), order: order)
    }
  }

  nonisolated(unsafe) private static var lock = InterruptLock()
  nonisolated(unsafe) private static var heap: SizeClassHeap<DirectMapFrames>?
  /// How many frames the present allocation has to leave. Under the lock.
  nonisolated(unsafe) fileprivate static var remainder = 0

  static func initialize() {
    heap = SizeClassHeap(source: DirectMapFrames())
  }

  /// What is larger leaves the whole reserve alone: a program says how large it is.
  private static var largestFromReserve: Int { 8192 }

  /// Leaves half of the reserve to Swift's objects, or all of it: calls that wait may keep such memory, as many as
  /// programs like, and the end of it is an error here.
  ///
  /// - Parameter alignment: a power of two, at most 4096.
  /// - Returns: nil when memory is out.
  public static func allocate(size: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    allocate(
      size: size, alignment: alignment,
      leaving: size > largestFromReserve ? Frames.reserve : Frames.reserve / 2)
  }

  fileprivate static func allocate(size: Int, alignment: Int, leaving count: Int) -> UnsafeMutableRawPointer? {
    lock.withLock {
      remainder = count
      return heap!.allocate(size: size, alignment: alignment)
    }
  }

  public static func deallocate(_ pointer: UnsafeMutableRawPointer) {
    let outcome = lock.withLock { heap!.deallocate(pointer) }
    if outcome != .freed { refuse(pointer, outcome) }
  }

  /// Apart, so that the message takes room on the stack only once it is needed.
  @inline(never)
  private static func refuse(_ pointer: UnsafeMutableRawPointer, _ outcome: HeapOutcome) -> Never {
    panic("heap, at \(hex: UInt64(UInt(bitPattern: pointer))): \(outcome.message)")
  }

  /// An array that lives as long as the kernel. While the machine comes up: running out is its end.
  static func allocateArray<Element>(
    of type: Element.Type, count: Int, repeating value: Element
  ) -> UnsafeMutablePointer<Element> {
    guard let memory = allocate(size: count * MemoryLayout<Element>.stride, alignment: 64) else {
      panic("not enough memory to start: \(count * MemoryLayout<Element>.stride) bytes needed")
    }
    let array = memory.bindMemory(to: Element.self, capacity: count)
    array.initialize(repeating: value, count: count)
    return array
  }

  /// Gives slabs that hold nothing back to the frame allocator.
  static func trim() {
    lock.withLock { _ = heap!.releaseEmptySlabs() }
  }

  public static var bytesInUse: Int { lock.withLock { heap!.bytesInUse } }
}

// What the Swift runtime allocates and frees with, through allocation-hooks.asm.

/// posix_memalign: 0, or ENOMEM.
@c(kernelHeapAllocate)
func kernelHeapAllocate(
  _ result: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ alignment: UInt, _ size: UInt
) -> Int32 {
  result.pointee = KernelHeap.allocate(size: Int(size), alignment: Int(alignment), leaving: 0)
  return result.pointee == nil ? 12 : 0
}

@c(kernelHeapFree)
func kernelHeapFree(_ pointer: UnsafeMutableRawPointer?) {
  if let pointer { KernelHeap.deallocate(pointer) }
}
