import Core
import Machine

/// /proc/PID/maps and smaps.
enum ProcessMaps {
  /// Region by region, with no lock held in between: as on Linux the whole is no picture of one moment.
  static func write(_ space: AddressSpace, to text: inout TextBuffer, withUsage: Bool) throws(Errno) {
    guard let memory = KernelHeap.allocate(size: PathLimits.path, alignment: 8) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    let buffer = UnsafeMutableRawBufferPointer(start: memory, count: PathLimits.path)
    let root = Scheduler.current.pointee.process?.fileSystem.root ?? RootFileSystem.root
    var address: UInt64 = 0
    while let (region, file) = space.region(endingAfter: address) {
      var line = MemoryMapLine(region)
      if let node = file?.node {
        let device = DeviceNumber(rawValue: node.fileSystem.device)
        line.deviceMajor = device.major
        line.deviceMinor = device.minor
        line.inode = node.number
      }
      let start = text.needed
      line.write(to: &text)
      putName(of: region, file, in: space, from: start, root, buffer, &text)
      text.put("\n")
      if withUsage { writeUsage(of: region, in: space, to: &text) }
      address = region.end
    }
  }

  private static func putName(
    of region: MemoryRegion, _ file: OpenFile?, in space: AddressSpace, from start: Int, _ root: Path,
    _ buffer: UnsafeMutableRawBufferPointer, _ text: inout TextBuffer
  ) {
    func pad() { text.pad(from: start, to: MemoryMapLine.nameColumn) }
    if let file {
      pad()
      ProcessPaths.put(file, from: root, buffer, &text)
    } else if region.kind == .anonymousShared {
      pad()
      text.put("/dev/zero (deleted)")
    } else if region.start < space.breakEnd, region.end > space.breakStart, !region.hasSource {
      pad()
      text.put("[heap]")
    } else if region.growsDown {
      pad()
      text.put("[stack]")
    } else if TimePage.isMapped(by: region) {
      pad()
      text.put(region.protection.contains(.execute) ? "[vdso]" : "[vvar]")
    }
  }

  /// What smaps has behind the line.
  private static func writeUsage(of region: MemoryRegion, in space: AddressSpace, to text: inout TextBuffer) {
    let (resident, exclusive) = space.residentPages(of: region)
    func put(_ label: StaticString, _ kibibytes: UInt64) {
      let start = text.needed
      text.put(label)
      text.pad(from: start, to: 16)
      text.put(kibibytes, width: 8)
      text.put(" kB\n")
    }
    let all = UInt64(resident) * 4
    let own = UInt64(exclusive) * 4
    let isWritable = region.protection.contains(.write)
    put("Size:", region.length >> 10)
    put("KernelPageSize:", 4)
    put("MMUPageSize:", 4)
    put("Rss:", all)
    // Two sharers are assumed of what is shared.
    put("Pss:", own + (all - own) / 2)
    put("Shared_Clean:", isWritable ? 0 : all - own)
    put("Shared_Dirty:", isWritable ? all - own : 0)
    put("Private_Clean:", isWritable ? 0 : own)
    put("Private_Dirty:", isWritable ? own : 0)
    put("Referenced:", all)
    put("Anonymous:", region.kind == .anonymousPrivate ? all : region.kind == .sourcePrivate ? own : 0)
    put("AnonHugePages:", 0)
    put("Swap:", 0)
    put("SwapPss:", 0)
    put("Locked:", region.attributes.contains(.locked) ? all : 0)
    text.put("VmFlags:")
    if region.protection.contains(.read) { text.put(" rd") }
    if isWritable { text.put(" wr") }
    if region.protection.contains(.execute) { text.put(" ex") }
    if region.isShared { text.put(" sh") }
    if region.growsDown { text.put(" gd") }
    if region.attributes.contains(.locked) { text.put(" lo") }
    text.put("\n")
  }
}
