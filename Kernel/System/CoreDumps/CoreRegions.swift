import Core
import Machine

/// The regions of a process that ends, and how much of each goes into its core: a list that does not change while the
/// core is written.
struct CoreRegions: ~Copyable {
  struct Part {
    let region: MemoryRegion
    let choice: CoreRegion
  }

  private let parts: UnsafeMutablePointer<Part>
  private(set) var count = 0

  /// Nil when memory is out.
  init?(_ space: AddressSpace) {
    let capacity = min(space.lock.withLock { space.regions.count }, CoreFile.programHeaderLimit - 1)
    guard Frames.freeCount > Frames.reserve + capacity >> 5,
      let memory = KernelHeap.allocate(size: max(capacity, 1) * MemoryLayout<Part>.stride, alignment: 16)
    else { return nil }
    parts = memory.bindMemory(to: Part.self, capacity: capacity)
    var address: UInt64 = 0
    while count < capacity, let (region, file) = space.region(endingAfter: address) {
      (parts + count).initialize(to: Part(region: region, choice: Self.choose(region, file, space)))
      count += 1
      address = region.end
    }
  }

  deinit { KernelHeap.deallocate(parts) }

  subscript(index: Int) -> Part { parts[index] }

  private static func choose(_ region: MemoryRegion, _ file: OpenFile?, _ space: AddressSpace) -> CoreRegion {
    var magic: UInt32 = 0
    var hasOwnPages = false
    if region.kind == .sourcePrivate, file != nil {
      hasOwnPages = space.residentPages(of: region).exclusive > 0
      if !hasOwnPages, region.sourceOffset == 0 {
        let count = withUnsafeMutableBytes(of: &magic) { space.readForDebugger(region.start, into: $0) }
        if count < 4 { magic = 0 }
      }
    }
    return CoreRegion.choose(
      region, hasFile: file != nil, hasOwnPages: hasOwnPages, beginsWithHeader: magic == 0x464C_457F)
  }
}

extension AddressSpace {
  /// The first page of a range that has been made.
  func firstPage(in range: Range<UInt64>) -> UInt64? { lock.withLock { table.firstEntry(in: range) } }
}
