import Core
import Machine

/// /proc/PID/pagemap: what is behind each page of a process's memory. The position is the page's number, times 8.
final class ProcessPageMapNode: FileNode, @unchecked Sendable {
  private let process: Process

  init(_ process: Process, _ number: UInt64) {
    self.process = process
    super.init(fileSystem: ProcFileSystem.shared, number: number, mode: ProcessFileKind.pageMap.mode)
    stampNew()
    ProcessNodes.setOwner(of: self, process)
  }

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile {
    try process.checkPresence()
    return OpenPageMap(self, try ProcessAccess.program(of: process), flags)
  }

  override func checkAttributesAreChangeable() throws(Errno) { throw .notPermitted }

  override func truncate(to size: Int64) throws(Errno) {}
}

/// It stays that of the program that ran when it was opened: once the process executes another one or ends, there is
/// nothing in it any more.
final class OpenPageMap: OpenFile, @unchecked Sendable {
  private let program: ProgramMemory
  /// Where pages lie in the machine's memory is told to administrators alone: whoever opened the file.
  private let showsFrames: Bool

  init(_ node: FileNode, _ program: ProgramMemory, _ flags: OpenFlags) {
    self.program = program
    showsFrames = Scheduler.current.pointee.process!.hasCapability(.administration)
    super.init(node: node, flags: flags)
  }

  override var hasPosition: Bool { true }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    guard let space = program.space else { return 0 }
    let start = position ?? offset
    let entrySize = PageMapEntry.sizeInBytes
    guard start >= 0, start % Int64(entrySize) == 0, buffer.remaining % entrySize == 0 else { throw .invalid }
    let end = UserMemory.limit >> 12
    var page = UInt64(start) / UInt64(entrySize)
    if buffer.remaining == 0 || page >= end { return 0 }
    let capacity = 512
    guard let memory = KernelHeap.allocate(size: capacity * entrySize, alignment: 16) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    let entries = UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: UInt64.self, capacity: capacity), count: capacity)
    var done = 0
    while buffer.remaining > 0, page < end {
      let count = Int(min(UInt64(min(buffer.remaining / entrySize, capacity)), end - page))
      let part = UnsafeMutableBufferPointer(rebasing: entries[0..<count])
      space.describePages(from: page << 12, showsFrames: showsFrames, into: part)
      do throws(Errno) {
        try buffer.put(UnsafeRawBufferPointer(part))
      } catch {
        if done == 0 { throw error }
        break
      }
      page += UInt64(count)
      done += count * entrySize
      // A long read can be interrupted, and then has done a part.
      if Scheduler.current.pointee.head.hasSignal != 0 { break }
    }
    if position == nil { offset = start + Int64(done) }
    return done
  }

  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 { try seekAnywhere(offset, whence) }
}

extension AddressSpace {
  /// What is behind the pages from an address on, as /proc/PID/pagemap has it.
  fileprivate func describePages(
    from address: UInt64, showsFrames: Bool, into entries: UnsafeMutableBufferPointer<UInt64>
  ) {
    entries.update(repeating: PageMapEntry.absent.rawValue)
    lock.withLock {
      table.forEachEntry(in: address..<address + UInt64(entries.count) << 12) { page, entry in
        let frame = entry.pointee.frame
        let isOfFile = Frames.isStored(frame)
        entries[Int((page - address) >> 12)] =
          PageMapEntry(
            frameNumber: showsFrames ? frame >> 12 : 0, isOfFile: isOfFile,
            isMappedOnce: Frames.isHeld(frame, times: isOfFile ? 2 : 1)
          ).rawValue
      }
    }
  }
}
