import Core
import Machine

/// The file that a process leaves behind when a signal ends it (core(5)).
enum CoreDump {
  /// Ends the current process by a signal, and writes its memory and registers to a file where its limits permit that.
  /// No lock is held.
  static func end(_ process: Process, by signal: Signal, _ information: SignalInformation) {
    let thread = Scheduler.current
    let limit = process.limit(.core)
    // As on Linux a core has to have a page at least.
    guard limit >= CoreFile.pageSize, process.lock.withLock({ process.attributes.dumpable == 1 }) else {
      process.exit(status: WaitStatus.killed(by: signal))
      return
    }
    let isFirst = process.signalLock.withLock {
      if process.signals.dumpingThread != nil { return false }
      process.signals.dumpingThread = thread
      return true
    }
    // Another thread may be faster, with a signal of its own or with exit_group(2).
    guard isFirst else { return }
    guard process.exit(status: WaitStatus.killed(by: signal)) else {
      process.signalLock.withLock { process.signals.dumpingThread = nil }
      process.changed.wake()
      return
    }
    // SIGKILL may have come before it could find that there is a core to be ended.
    process.signalLock.withLock { if thread.isSentKill(process) { process.signals.isDumpEnded = true } }
    // The others come by `waitForEnd`, or have gone.
    _ = process.changed.wait(isInterruptible: false) {
      process.signals.threadsAtEnd == process.threadCount - 1
    }
    let isWritten = write(process, signal, information, limit: limit)
    process.endDump(isWritten: isWritten)
    process.changed.wake()
  }

  /// A thread that ends waits here while another one of its process writes a core: its registers go into it.
  static func waitForEnd(_ process: Process, _ thread: ThreadPointer) {
    let isDumping = process.signalLock.withLock {
      guard let dumping = process.signals.dumpingThread, dumping != thread else { return false }
      process.signals.threadsAtEnd += 1
      return true
    }
    guard isDumping else { return }
    process.changed.wake()
    _ = process.changed.wait(isInterruptible: false) { process.signals.dumpingThread == nil }
    process.signalLock.withLock { process.signals.threadsAtEnd -= 1 }
    process.changed.wake()
  }

  /// - Returns: whether there is a core. One that meets the limit is one, as on Linux.
  private static func write(
    _ process: Process, _ signal: Signal, _ information: SignalInformation, limit: UInt64
  ) -> Bool {
    guard let space = process.addressSpace, Frames.freeCount > Frames.reserve, let file = openFile(process),
      var writer = CoreWriter(file, of: process, limit: limit)
    else { return false }
    do throws(Errno) {
      guard let regions = CoreRegions(space) else { throw .outOfMemory }
      let headers = regions.count + 1
      try writer.skip(to: UInt64(CoreFile.headerSize + headers * CoreFile.programHeaderSize))
      let noteStart = writer.position
      try CoreNotes.write(process, signal, information, regions, to: &writer)
      let noteBytes = Int(writer.position - noteStart)

      let memoryOffset = CoreFile.memoryOffset(programHeaders: headers, noteBytes: noteBytes)
      try writer.skip(to: memoryOffset)
      for index in 0..<regions.count { try writeMemory(regions[index], of: space, to: &writer) }
      try writer.end()

      writer.goBack(to: 0)
      try writer.put(count: CoreFile.headerSize) { CoreFile.writeHeader(to: $0, programHeaders: headers) }
      var note = CoreFile.Segment(.note)
      note.offset = noteStart
      note.fileSize = UInt64(noteBytes)
      try writer.put(count: CoreFile.programHeaderSize) { note.write(to: $0) }
      var offset = memoryOffset
      for index in 0..<regions.count {
        let part = regions[index]
        var segment = CoreFile.Segment(.load)
        segment.protection = part.region.protection
        segment.offset = offset
        segment.address = part.region.start
        segment.fileSize = part.choice.size(of: part.region)
        segment.memorySize = part.region.length
        offset += segment.fileSize
        try writer.put(count: CoreFile.programHeaderSize) { segment.write(to: $0) }
      }
    } catch {
      // What has been written stays.
    }
    return true
  }

  /// Pages that were never touched are holes of the file.
  private static func writeMemory(
    _ part: CoreRegions.Part, of space: AddressSpace, to writer: inout CoreWriter
  ) throws(Errno) {
    let region = part.region
    let end = region.start + part.choice.size(of: region)
    var page = region.start
    while page < end {
      if !region.hasSource {
        let next = space.firstPage(in: page..<end) ?? end
        try writer.skip(to: writer.position + (next - page))
        page = next
        if page == end { break }
      }
      try writer.putPage { space.readForDebugger(page, into: $0) }
      page += CoreFile.pageSize
    }
  }

  /// A new file `core` in the working directory; what has had the name before loses it.
  private static func openFile(_ process: Process) -> OpenFile? {
    let context = process.fileSystem
    let lookup = PathLookup(root: context.root, identity: .current)
    let name = ByteView("core")
    do throws(Errno) { try FileTree.unlink(name, from: context.workingDirectory, lookup) } catch {}
    do throws(Errno) {
      return try FileTree.open(
        name, from: context.workingDirectory, lookup,
        FileTree.OpenRequest(flags: [.create, .exclusive, .readWrite, .noFollow], permissions: 0o600))
    } catch {
      return nil
    }
  }
}
