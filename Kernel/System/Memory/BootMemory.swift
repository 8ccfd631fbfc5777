import Core
import Machine

/// What GRUB left in memory, and the first use of the rest.
struct BootMemory {
  /// The boot information, read where it lies.
  let information: Multiboot2Information
  /// The root file system's archives, not compressed; nil where GRUB loaded none.
  let archive: ByteView?

  /// Reads the boot information and gives all free memory to the frame allocator.
  ///
  /// - Parameter address: where GRUB put the boot information.
  init(informationAt address: PhysicalAddress) {
    let header = UnsafeRawBufferPointer(start: PhysicalMemory.pointer(to: address), count: 8)
    let information: Multiboot2Information
    let size: Int
    do throws(Multiboot2Error) {
      size = try Multiboot2Information.totalSize(of: ByteView(header))
      information = try Multiboot2Information(
        ByteView(UnsafeRawBufferPointer(start: PhysicalMemory.pointer(to: address), count: size)))
    } catch {
      panic("the boot information is damaged: \(error.message)")
    }
    self.information = information

    var free = MemoryRanges()
    information.forEachMemoryRegion { region in
      if region.kind == .available, region.length <= .max - region.base {
        free.insert(region.base..<region.base + region.length)
      }
    }
    let limit = min(free.limit, Self.largestAddress)
    if free.count == 0 { panic("the boot loader passed no memory map; boot by GRUB's multiboot2 command") }
    // The first MiB keeps the firmware's data and the start-up page of the other CPUs.
    free.remove(0..<0x10_0000)
    free.remove(0x10_0000..<(addressOfImageEnd() - KERNEL_BASE))
    free.remove(address..<address + UInt64(size))
    free.remove(Self.largestAddress..<UInt64.max)
    var first: Range<UInt64>? = nil
    information.forEachModule { module in
      free.remove(module.start..<module.end)
      if first == nil, module.end <= limit || module.end <= 4 << 30 { first = module.start..<module.end }
    }
    archive = first.map { module in
      let image = ByteView(
        base: UnsafeRawPointer(PhysicalMemory.pointer(to: module.lowerBound)),
        count: Int(module.upperBound - module.lowerBound))
      return BootArchive.expand(image, module: module, taking: &free, below: min(limit, 4 << 30))
    }
    free.roundToPages()
    if free.droppedBytes > 0 { log("memory map too fragmented: \(free.droppedBytes) bytes left unused") }

    let directMapSize = Self.extendDirectMap(to: limit, taking: &free)
    let frameCount = Int((limit + 4095) >> 12)
    let recordsSize = UInt64(frameCount * MemoryLayout<FrameRecord>.stride + 4095) & ~4095
    guard let records = free.take(recordsSize, alignment: 4096, below: directMapSize) else {
      panic("not enough memory for the frame records: \(recordsSize) bytes needed")
    }
    Frames.initialize(
      FrameAllocator(
        records: PhysicalMemory.pointer(to: records).bindMemory(to: FrameRecord.self, capacity: frameCount),
        count: frameCount),
      directMapSize: directMapSize)
    for index in 0..<free.count {
      Frames.add(Int(free[index].lowerBound >> 12)..<Int(free[index].upperBound >> 12))
    }
  }

  /// What one slot of the top-level page table can map.
  private static var largestAddress: UInt64 { 512 << 30 }

  /// Maps memory above the 4 GiB that the boot code has mapped. Returns the size of the direct map.
  private static func extendDirectMap(to limit: UInt64, taking free: inout MemoryRanges) -> UInt64 {
    var mapped: UInt64 = 4 << 30
    let flags: PageTableEntry.Flags = [.present, .writable, .large, .global, .noExecute]
    let top = PhysicalMemory.pointer(to: PageTable.kernel.root).assumingMemoryBound(to: PageTableEntry.self)
    let pointers = PhysicalMemory.pointer(to: top[Int(DIRECT_MAP_SLOT)].frame)
      .assumingMemoryBound(to: PageTableEntry.self)
    while mapped < limit {
      guard let frame = free.take(4096, alignment: 4096, below: 4 << 30) else {
        panic("not enough memory below 4 GiB to map \(limit >> 20) MiB")
      }
      let directory = PhysicalMemory.pointer(to: frame).bindMemory(to: PageTableEntry.self, capacity: 512)
      for slot in 0..<512 {
        directory[slot] = PageTableEntry(frame: mapped + UInt64(slot) << 21, flags: flags)
      }
      pointers[Int(mapped >> 30)] = PageTableEntry(frame: frame, flags: [.present, .writable])
      mapped += 1 << 30
    }
    return mapped
  }
}
