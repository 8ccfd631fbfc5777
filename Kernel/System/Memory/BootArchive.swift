import Core
import Machine

/// The boot archive as GRUB loaded it, made plain where it is compressed.
enum BootArchive {
  /// - Parameters:
  ///   - image: the module, which lies in `module`.
  ///   - free: gives the memory for what is inside, and gets the compressed archive's back.
  ///   - limit: the end of the memory that is mapped.
  /// - Returns: plain archives; those before a fault where there is one, which is named on the console.
  static func expand(
    _ image: ByteView, module: Range<UInt64>, taking free: inout MemoryRanges, below limit: UInt64
  ) -> ByteView {
    guard ArchiveExpansion.isNeeded(for: image) else { return image }
    let workspaceSize = (UInt64(ArchiveExpansion.workspaceSize) + 4095) & ~4095
    guard let workspace = free.take(workspaceSize, alignment: 4096, below: limit) else { return ByteView("") }
    defer { free.insert(workspace..<workspace + workspaceSize) }
    let expansion = ArchiveExpansion(image, workspace: PhysicalMemory.pointer(to: workspace))
    // Something has to be left for the programs.
    let count = expansion.count(limit: Int(free.totalBytes - free.totalBytes / 4))
    let size = (UInt64(count.byteCount) + 4095) & ~4095
    guard size > 0 else {
      report(count)
      return ByteView("")
    }
    guard let place = free.take(size, alignment: 4096, below: limit) else {
      log("initrd.cpio: no room for the \(size >> 20) MiB inside; give the machine more memory")
      return ByteView("")
    }
    let memory = UnsafeMutableRawBufferPointer(
      start: PhysicalMemory.pointer(to: place), count: count.byteCount)
    let result = expansion.expand(into: memory)
    report(result)
    let start = (module.lowerBound + 4095) & ~4095
    let end = module.upperBound & ~4095
    if start < end { free.insert(start..<end) }
    return ByteView(base: UnsafeRawPointer(memory.baseAddress!), count: result.byteCount)
  }

  private static func report(_ result: ArchiveExpansion.Result) {
    guard let fault = result.fault else { return }
    let remedy: StaticString =
      switch fault {
      case .outputFull: "give the machine more memory"
      case .otherCompression: "compress it by gzip, or not at all"
      default: "build it anew, or see what gzip -t says"
      }
    log("initrd.cpio is unusable from byte \(result.faultOffset) on: \(fault.message); \(remedy)")
  }
}
