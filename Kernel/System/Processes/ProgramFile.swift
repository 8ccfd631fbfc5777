import Core
import Machine

/// A file that is to be run: opened for that, with its first bytes at hand.
struct ProgramFile: ~Copyable {
  let place: Path
  let file: OpenFile
  let store: PageStore
  /// Whether whoever runs it may read it, too.
  let isReadable: Bool
  /// The first bytes; more of them where the program headers lie further back.
  private let memory: UnsafeMutableRawBufferPointer
  private let byteCount: Int

  private static var firstBytes: Int { 4096 }
  private static var mostBytes: Int { 1 << 20 }

  /// Opens a file for execution: a regular file with an `x` bit that counts for the caller.
  ///
  /// As long as it is mapped nobody may open it for writing.
  ///
  /// - Throws: EACCES, ENOMEM, ETXTBSY where it is open for writing.
  init(_ place: Path, _ identity: FileIdentity) throws(ProgramError) {
    let node = place.node
    guard node.mode.isRegular, !place.mount.flags.contains(.noExecution) else { throw .failed(.access) }
    let file: OpenFile
    do throws(Errno) {
      try identity.check(node, .execute)
      file = try node.open([])
      try file.denyWriting()
    } catch {
      throw .failed(error)
    }
    file.location = place
    guard let store = node.pages else { throw .failed(.access) }
    guard let start = KernelHeap.allocate(size: Self.firstBytes, alignment: 16) else { throw .outOfMemory }
    var memory = UnsafeMutableRawBufferPointer(start: start, count: Self.firstBytes)
    var byteCount = store.read(at: 0, into: memory)
    let needed = ELFImage.neededBytes(ByteView(UnsafeRawBufferPointer(rebasing: memory[0..<byteCount])))
    if needed > byteCount, UInt64(needed) <= store.size {
      KernelHeap.deallocate(memory.baseAddress!)
      guard needed <= Self.mostBytes, let larger = KernelHeap.allocate(size: needed, alignment: 16) else {
        throw .outOfMemory
      }
      memory = UnsafeMutableRawBufferPointer(start: larger, count: needed)
      byteCount = store.read(at: 0, into: memory)
    }
    self.place = place
    self.file = file
    self.store = store
    isReadable = identity.mayRead(node)
    self.memory = memory
    self.byteCount = byteCount
  }

  deinit { KernelHeap.deallocate(memory.baseAddress!) }

  /// The file's first bytes, as long as this value lives.
  var head: ByteView { ByteView(UnsafeRawBufferPointer(rebasing: memory[0..<byteCount])) }

  func image() throws(ProgramError) -> ELFImage {
    do throws(ELFError) {
      return try ELFImage(head, fileSize: Int(store.size))
    } catch {
      throw .notAProgram(error)
    }
  }

  /// Opens the program that is to load this one.
  ///
  /// - Parameter range: where in the file its path stands.
  func openInterpreter(
    _ range: Range<Int>, _ image: ELFImage, lookup: PathLookup, from directory: Path
  ) throws(ProgramError) -> ProgramFile {
    guard let memory = KernelHeap.allocate(size: range.count, alignment: 8) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    let bytes = UnsafeMutableRawBufferPointer(start: memory, count: range.count)
    let count = store.read(at: UInt64(range.lowerBound), into: bytes)
    let path: ByteView
    do throws(ELFError) {
      path = try ELFImage.interpreterPath(ByteView(base: memory, count: count))
    } catch {
      throw .notAProgram(error)
    }
    let place: Path
    do throws(Errno) {
      place = try FileTree.find(path, from: directory, lookup)
    } catch {
      throw .failed(error)
    }
    return try ProgramFile(place, lookup.identity)
  }

  /// The credentials that the file gives whoever runs it (execve(2), set-user-ID programs).
  func credentials(from old: Credentials) -> Credentials {
    var new = old
    if old.hasNoNewPrivileges || place.mount.flags.contains(.noSetID) { return new }
    // In one step: a file that another owner has just got has no set-user-ID bit any more.
    FileAttributes.lock.withLock {
      let bits = place.node.mode.rawValue
      if bits & FileMode.setUser != 0 { new.user.effective = place.node.owner }
      // Without the group's x bit it is the mark of a mandatory lock.
      if bits & FileMode.setGroup != 0, bits & 0o010 != 0 { new.group.effective = place.node.group }
    }
    return new
  }

  /// An interpreter may be written again once it has been mapped, as on Linux.
  func allowWriting() { file.allowWriting() }

  // MARK: Mapping

  /// Maps all segments.
  ///
  /// - Parameters:
  ///   - base: what is added to their addresses, wrapping around: a program whose addresses begin above the place that
  ///     it gets has one that is negative.
  ///   - isInterpreter: whether another program's code and data are what /proc/PID/stat tells the places of.
  func map(
    _ image: ELFImage, at base: UInt64, in space: AddressSpace, isInterpreter: Bool = false
  ) throws(ProgramError) {
    do throws(Errno) {
      var index = 0
      while let segment = image.segment(at: index) {
        try map(segment, at: base, in: space)
        if !isInterpreter { space.startArea.note(segment, at: base) }
        index += 1
      }
    } catch {
      throw .failed(error)
    }
  }

  private func map(_ segment: LoadSegment, at base: UInt64, in space: AddressSpace) throws(Errno) {
    var protection: MemoryProtection = []
    if segment.readable { protection.insert(.read) }
    if segment.writable { protection.insert(.write) }
    if segment.executable { protection.insert(.execute) }
    let start = base &+ segment.virtualAddress
    // A boundary of pages may be all that keeps the interpreter's end from lying behind user memory.
    guard start <= UserMemory.limit, segment.memorySize <= UserMemory.limit - start else { throw .outOfMemory }
    let pageStart = start & ~4095
    let end = (start + segment.memorySize + 4095) & ~4095
    let lead = start - pageStart
    var fileEnd = pageStart
    if segment.fileSize > 0 {
      fileEnd = (start + segment.fileSize + 4095) & ~4095
      // Behind the file's part memory is zeros; where the segment ends with it, the page has what the file
      // has.
      try space.map(
        MemoryRegion(
          start: pageStart, end: fileEnd, protection: protection, kind: .sourcePrivate,
          sourceOffset: segment.fileOffset - lead,
          sourceBytes: segment.memorySize > segment.fileSize ? segment.fileSize + lead : nil),
        of: MappedSource(store: store, file: file), replacing: true)
    }
    if fileEnd < end {
      try space.map(
        MemoryRegion(start: fileEnd, end: end, protection: protection, kind: .anonymousPrivate), replacing: true)
    }
  }
}

extension ProgramStartArea {
  /// A segment has been mapped.
  fileprivate mutating func note(_ segment: LoadSegment, at base: UInt64) {
    let start = base &+ segment.virtualAddress
    if segment.executable {
      code = start..<start + segment.memorySize
    } else if segment.writable {
      data = start..<start + segment.memorySize
    }
  }
}
