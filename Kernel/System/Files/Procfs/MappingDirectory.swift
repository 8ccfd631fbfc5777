import Core
import Machine

/// /proc/PID/map_files: the files that a process has mapped, each mapping by its addresses.
final class MappingDirectory: GeneratedDirectory, @unchecked Sendable {
  private let process: Process

  init(_ process: Process, _ number: UInt64) {
    self.process = process
    super.init(
      fileSystem: ProcFileSystem.shared, number: number, permissions: ProcessFileKind.mappings.mode.permissions)
    ProcessNodes.setOwner(of: self, process)
  }

  override var isOfCaller: Bool { Scheduler.current.pointee.process === process }

  private func space() throws(Errno) -> AddressSpace? {
    guard Processes.find(process.identifier) === process else { throw .noEntry }
    return try ProcessAccess.memory(of: process)
  }

  private func number(of region: MemoryRegion) -> UInt64 {
    ProcFileSystem.number(
      of: process.identifier, isTask: false, 66, descriptor: Int32(truncatingIfNeeded: region.start >> 12 & 0xFF_FFFF))
  }

  override func lookUp(_ name: ByteView) throws(Errno) -> FileNode {
    let space = try space()
    guard let (start, end) = MappingName.parse(name), let (region, file) = space?.mappedFile(from: start, to: end)
    else { throw .noEntry }
    // All mappings of a file share the first one's open file; what is shared tells by itself how its own was opened.
    let isWritable = region.isShared ? !region.attributes.contains(.neverWritable) : file.flags.isWritable
    return MappingLink(process, region.start..<region.end, isWritable: isWritable, number(of: region))
  }

  override func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) {
    guard let space = try space() else { return }
    // The position behind an entry is the number of the page behind its mapping, and 2.
    var address = position > 2 ? UInt64(position - 2) << 12 : 0
    while let (region, file) = space.region(endingAfter: address) {
      address = region.end
      if file == nil { continue }
      var bytes = InlineArray<40, UInt8>(repeating: 0)
      let isAdded = withUnsafeMutableBytes(of: &bytes) { memory in
        var text = TextBuffer(memory)
        MappingName.write(region.start..<region.end, to: &text)
        return listing.add(
          ByteView(base: memory.baseAddress!, count: text.count), number: number(of: region),
          type: FileMode.symbolicLink.directoryEntryType, position: Int64(region.end >> 12) + 2)
      }
      guard isAdded else { return }
    }
  }
}

extension AddressSpace {
  /// The region with exactly these bounds, and the file that is behind it.
  fileprivate func mappedFile(from start: UInt64, to end: UInt64) -> (region: MemoryRegion, file: OpenFile)? {
    guard let (region, file) = region(endingAfter: start), region.start == start, region.end == end, let file
    else { return nil }
    return (region, file)
  }
}

/// /proc/PID/map_files/START-END: leads to the file, whatever that is called by now. Only an administrator follows it,
/// since a mapping may outlive the right to open its file.
final class MappingLink: OpenFileLink, @unchecked Sendable {
  private let addresses: Range<UInt64>

  /// - Parameter isWritable: whether the file was opened for writing too.
  init(_ process: Process, _ addresses: Range<UInt64>, isWritable: Bool, _ number: UInt64) {
    self.addresses = addresses
    // What is mapped can be read.
    super.init(process, number, permissions: isWritable ? 0o600 : 0o400)
  }

  override func find() throws(Errno) -> OpenFile {
    let space = try ProcessAccess.memory(of: process)
    guard let (_, file) = space?.mappedFile(from: addresses.lowerBound, to: addresses.upperBound) else {
      throw .noEntry
    }
    return file
  }

  override func linkedPath() throws(Errno) -> Path? {
    let own = Scheduler.current.pointee.process!
    guard own.hasCapability(.administration) || own.hasCapability(.checkpoint) else { throw .notPermitted }
    return try super.linkedPath()
  }
}
