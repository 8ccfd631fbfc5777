import Core
import Machine

/// A regular file of a file system in memory.
final class MemoryFile: FileNode, @unchecked Sendable {
  let store: PageStore
  /// What is refused (fcntl(2), File Sealing): more seals, but for memfd_create(2) with MFD_ALLOW_SEALING. Changed
  /// under the mutex of the contents.
  var seals: FileSeals = .seal
  /// Whether it can have seals at all: ramfs has none.
  let isSealable: Bool

  /// How many open files may write to it, under the store's lock; or, below 0, how many run it (execve(2), ETXTBSY).
  private var writerCount: Int32 = 0

  /// What memfd_create(2) was given, ended by a 0; nil for the empty name, and for files that are found by names.
  /// Written before anybody else has the file.
  private var storedName: UnsafeMutablePointer<UInt8>?

  init(fileSystem: FileSystem, number: UInt64, mode: FileMode, budget: PageBudget?, isSealable: Bool = true) {
    store = PageStore(budget: budget)
    self.isSealable = isSealable
    super.init(fileSystem: fileSystem, number: number, mode: mode)
  }

  deinit { if let storedName { KernelHeap.deallocate(storedName) } }

  override var givenName: ByteView? {
    guard let storedName else { return nil }
    var count = 0
    while storedName[count] != 0 { count += 1 }
    return ByteView(base: storedName, count: count)
  }

  /// Names a file that nobody else has yet.
  ///
  /// - Returns: false where there is no memory for it.
  func setName(_ name: ByteView) -> Bool {
    guard let memory = KernelHeap.allocate(size: name.count + 1, alignment: 8) else { return false }
    let bytes = memory.bindMemory(to: UInt8.self, capacity: name.count + 1)
    for index in 0..<name.count { bytes[index] = name[index] }
    bytes[name.count] = 0
    storedName = bytes
    return true
  }

  override func checkIsNotRunning() throws(Errno) {
    if store.lock.withLock({ writerCount < 0 }) { throw .textFileBusy }
  }

  /// Counts one who writes (1) or runs it (-1).
  fileprivate func begin(_ direction: Int32) throws(Errno) {
    let isCounted = store.lock.withLock {
      guard writerCount == 0 || (writerCount > 0) == (direction > 0) else { return false }
      writerCount += direction
      return true
    }
    if !isCounted { throw .textFileBusy }
  }

  fileprivate func end(_ direction: Int32) { store.lock.withLock { writerCount -= direction } }

  override var size: Int64 { Int64(store.size) }
  override var blockCount: Int64 { Int64(store.residentPages) * 8 }
  override var pages: PageStore? { store }

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile {
    if flags.isWritable { try begin(1) }
    return OpenMemoryFile(self, flags)
  }

  override func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    guard offset >= 0 else { throw .invalid }
    return store.read(at: UInt64(offset), into: buffer)
  }

  override func truncate(to size: Int64) throws(Errno) {
    guard size >= 0 else { throw .invalid }
    let mutex = FileMutexes.contents(of: self)
    mutex.acquire()
    defer { mutex.release() }
    try seals.checkSize(UInt64(size), was: store.size)
    try store.truncate(to: UInt64(size))
    stampModified()
  }

  override func allocate(_ range: Range<UInt64>, _ mode: FileAllocationMode) throws(Errno) {
    let mutex = FileMutexes.contents(of: self)
    mutex.acquire()
    defer { mutex.release() }
    if mode == .punchHole {
      try seals.checkWrite()
      store.punchHole(range)
    } else {
      // As on Linux pages behind the end of a file that may not grow are refused too.
      try seals.checkSize(max(range.upperBound, store.size), was: store.size)
      try store.allocate(range, extends: mode == .extend)
    }
    stampModified()
  }
}

/// An open file of pages in memory.
final class OpenMemoryFile: OpenFile, @unchecked Sendable {
  private let file: MemoryFile
  private let store: PageStore

  /// - Parameter isCounted: whether the file's count of writers has it, if it may write.
  init(_ file: MemoryFile, _ flags: OpenFlags, isCounted: Bool = true) {
    self.file = file
    store = file.store
    direction = isCounted && flags.isWritable ? 1 : 0
    super.init(node: file, flags: flags)
  }

  /// What it counts for in the file's `writerCount`.
  private var direction: Int32

  override func denyWriting() throws(Errno) {
    guard direction == 0 else { return }
    try file.begin(-1)
    direction = -1
  }

  override func allowWriting() {
    guard direction < 0 else { return }
    file.end(-1)
    direction = 0
  }

  deinit { if direction != 0 { file.end(direction) } }

  override var hasPosition: Bool { true }
  override var refusesSharedWrites: Bool { file.seals.refusesWrites }

  override func manipulate(_ command: UInt32, _ argument: UInt64) throws(Errno) -> Int64 {
    switch command {
    case 1034 where file.isSealable: return Int64(file.seals.rawValue)  // F_GET_SEALS
    case 1033:  // F_ADD_SEALS
      guard argument <= UInt64(UInt32.max) else { throw .invalid }
      guard file.isSealable else { return try super.manipulate(command, argument) }
      try addSeals(FileSeals(rawValue: UInt32(argument)))
      return 0
    default: return try super.manipulate(command, argument)
    }
  }

  private func addSeals(_ added: FileSeals) throws(Errno) {
    guard flags.isWritable else { throw .notPermitted }
    guard FileSeals.all.isSuperset(of: added) else { throw .invalid }
    let mutex = FileMutexes.contents(of: file)
    mutex.acquire()
    defer { mutex.release() }
    if file.seals.contains(.seal) { throw .notPermitted }
    if added.contains(.write), !store.refuseSharedWrites() { throw .busy }
    file.seals.formUnion(added)
  }

  override func memory(size: UInt64, isShared: Bool) throws(Errno) -> MappedMemory {
    .source(MappedSource(store: store, file: self))
  }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    if let position { return try read(&buffer, from: position) }
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    let count = try read(&buffer, from: offset)
    offset &+= Int64(count)
    return count
  }

  private func read(_ buffer: inout TransferBuffer, from position: Int64) throws(Errno) -> Int {
    // Beyond the last position that there is nothing can be.
    if position.addingReportingOverflow(Int64(buffer.remaining)).overflow { throw .invalid }
    let count = try buffer.put(from: store, at: UInt64(position))
    if !flags.contains(.noAccessTime) { node.stampAccessed() }
    return count
  }

  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    try write(&buffer, at: position, appends: flags.contains(.append))
  }

  override func append(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    try write(&buffer, at: position, appends: true)
  }

  private func write(
    _ buffer: inout TransferBuffer, at position: Int64?, appends: Bool
  ) throws(Errno) -> Int {
    guard buffer.remaining > 0 else { return 0 }
    // Without a position of its own a write takes place where the file stands, and no other one in between.
    let positionMutex = position == nil ? FileMutexes.position(of: self) : nil
    positionMutex?.acquire()
    defer { positionMutex?.release() }
    let mutex = FileMutexes.contents(of: node)
    mutex.acquire()
    defer { mutex.release() }
    let start = appends ? Int64(store.size) : position ?? offset
    if start.addingReportingOverflow(Int64(buffer.remaining)).overflow { throw .invalid }
    let room = try FileSizeLimit.room(at: start, count: buffer.remaining)
    let allowed = try file.seals.writableCount(at: UInt64(start), count: room, size: store.size)
    let count = try buffer.take(into: store, at: UInt64(start), count: allowed)
    node.stampModified()
    FileAttributes.dropSetIDBits(of: node)
    if position == nil { offset = start &+ Int64(count) }
    return count
  }

  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 {
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    let size = Int64(store.size)
    switch whence {
    case Whence.data:
      guard offset >= 0, offset < size, let data = store.nextData(from: UInt64(offset)) else {
        throw .noSuchDeviceOrAddress
      }
      self.offset = Int64(data)
    case Whence.hole:
      guard offset >= 0, offset < size else { throw .noSuchDeviceOrAddress }
      self.offset = Int64(store.nextHole(from: UInt64(offset)))
    default:
      self.offset = try Whence.position(offset, whence, current: self.offset, size: size)
    }
    return self.offset
  }
}
