import Core
import Machine

/// Device registers in the kernel's half, uncached.
enum DeviceMemory {
  nonisolated(unsafe) private static var next: UInt64 = 0

  /// Makes the top-level page-table entry that all address spaces share. Before the first address space.
  static func initialize() {
    guard let frame = Frames.allocate(order: 0) else { panic("not enough memory for device mappings") }
    Frames.clear(frame)
    PageTable.kernel.reserveKernelSlot(Int(DEVICE_AREA_SLOT), table: frame)
    next = DEVICE_AREA_BASE
  }

  /// Maps the page of registers at a physical address; for the whole life of the kernel. Only while one CPU
  /// runs.
  static func map(_ address: PhysicalAddress) -> UInt64 {
    let virtual = next
    next += 4096
    let entry = PageTable.kernel.makeEntry(for: virtual, user: false) {
      guard let frame = Frames.allocate(order: 0) else { return nil }
      Frames.clear(frame)
      return frame
    }
    guard let entry else { panic("not enough memory for device mappings") }
    entry.pointee = PageTableEntry(
      frame: address & ~4095,
      flags: [.present, .writable, .global, .noExecute, .cacheDisabled, .writeThrough])
    return virtual + (address & 4095)
  }
}
