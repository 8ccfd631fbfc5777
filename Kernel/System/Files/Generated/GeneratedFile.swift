import Core
import Machine

/// A file whose contents are made when somebody reads it: a subclass for each kind.
///
/// It has no size (st_size is 0), as Linux's have none.
class GeneratedFile: FileNode, @unchecked Sendable {
  override init(fileSystem: FileSystem, number: UInt64, mode: FileMode) {
    super.init(fileSystem: fileSystem, number: number, mode: mode)
    stampNew()
  }

  /// Writes the contents. Called again with more memory where they had no room. In a thread that holds no spin lock.
  func generate(_ text: inout TextBuffer) throws(Errno) { throw .invalid }

  /// Takes what one write(2) brings, as an attribute of the kernel's.
  func store(_ value: ByteView) throws(Errno) { throw .inputOutput }

  /// Whether the current thread may open it, beyond what the permissions say.
  func checkOpen(_ flags: OpenFlags) throws(Errno) {}

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile {
    try checkOpen(flags)
    return OpenGeneratedFile(self, flags)
  }

  override func checkAttributesAreChangeable() throws(Errno) { throw .notPermitted }

  /// O_TRUNC, which the shell's `>` asks for, changes nothing.
  override func truncate(to size: Int64) throws(Errno) {}
}

/// An open file with the contents as they were when it was read from the start.
class OpenGeneratedFile: OpenFile, @unchecked Sendable {
  private let file: GeneratedFile
  // Under the file's position mutex.
  private var contents: UnsafeMutableRawPointer?
  private var count = 0

  /// The most that a file may have.
  private static var limit: Int { 4 << 20 }
  /// The most that one write may bring.
  private static var valueLimit: Int { 4095 }

  init(_ file: GeneratedFile, _ flags: OpenFlags) {
    self.file = file
    super.init(node: file, flags: flags)
  }

  deinit {
    if let contents { KernelHeap.deallocate(contents) }
  }

  final override var hasPosition: Bool { true }

  final override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    let start = position ?? offset
    if start.addingReportingOverflow(Int64(buffer.remaining)).overflow { throw .invalid }
    if contents == nil || start == 0 && !isMadeOnce { try generate() }
    guard start < Int64(count), let contents else { return 0 }
    let length = min(count - Int(start), buffer.remaining)
    try buffer.put(UnsafeRawBufferPointer(start: contents + Int(start), count: length))
    if position == nil { offset = start + Int64(length) }
    return length
  }

  /// Whether the contents stay as they were the first time.
  var isMadeOnce: Bool { false }

  /// Writes the contents, as `GeneratedFile.generate` does.
  func write(to text: inout TextBuffer) throws(Errno) { try file.generate(&text) }

  /// Makes the contents anew. Under the position mutex, or before others know of the open file.
  final func generate() throws(Errno) {
    var size = 1024
    while true {
      guard size <= Self.limit, Frames.freeCount > Frames.reserve + size >> 12,
        let memory = KernelHeap.allocate(size: size, alignment: 16)
      else { throw .outOfMemory }
      var text = TextBuffer(UnsafeMutableRawBufferPointer(start: memory, count: size))
      do throws(Errno) {
        try write(to: &text)
      } catch {
        KernelHeap.deallocate(memory)
        throw error
      }
      if text.isComplete {
        if let contents { KernelHeap.deallocate(contents) }
        contents = memory
        count = text.count
        return
      }
      KernelHeap.deallocate(memory)
      // It may be a little longer the next time.
      size = (text.needed + text.needed / 4 + 1023) & ~1023
    }
  }

  final override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    let length = buffer.remaining
    let taken = min(length, Self.valueLimit)
    guard let memory = KernelHeap.allocate(size: max(taken, 1), alignment: 8) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    try buffer.take(into: UnsafeMutableRawBufferPointer(start: memory, count: taken))
    try file.store(ByteView(base: memory, count: taken))
    return length
  }

  final override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 {
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    guard whence == Whence.set || whence == Whence.current else { throw .invalid }
    self.offset = try Whence.position(offset, whence, current: self.offset, size: 0)
    return self.offset
  }
}

/// A file of the system as a whole, with functions that make its contents and take what is written.
final class ComputedFile: GeneratedFile, @unchecked Sendable {
  private let generator: (inout TextBuffer) throws(Errno) -> Void
  private let receiver: ((ByteView) throws(Errno) -> Void)?

  init(
    fileSystem: FileSystem, number: UInt64, permissions: UInt32,
    _ generator: @escaping (inout TextBuffer) throws(Errno) -> Void,
    receiver: ((ByteView) throws(Errno) -> Void)? = nil
  ) {
    self.generator = generator
    self.receiver = receiver
    super.init(fileSystem: fileSystem, number: number, mode: .regular.with(permissions: permissions))
  }

  override func generate(_ text: inout TextBuffer) throws(Errno) { try generator(&text) }

  override func store(_ value: ByteView) throws(Errno) {
    guard let receiver else { throw .inputOutput }
    try receiver(value)
  }
}
