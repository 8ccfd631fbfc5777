import Core
import Machine

/// A file whose contents are made up as it is read: a base to derive from, for /proc and /sys.
class GeneratedFileNode: FileNode, @unchecked Sendable {
  init(_ fileSystem: FileSystem, number: UInt64, permissions: UInt32 = 0o444) {
    super.init(fileSystem: fileSystem, number: number, mode: .regular.with(permissions: permissions))
    stampNew()
  }

  /// Writes the contents: whenever a read begins at offset 0, which then goes on with the same text.
  func generate(into text: inout GeneratedText) throws(Errno) {}

  /// write(2) of so many bytes at once, at most a page.
  func accept(_ text: ByteView) throws(Errno) { throw .inputOutput }

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile { OpenGeneratedFile(self, flags) }
  /// O_TRUNC does nothing here.
  override func truncate(to size: Int64) throws(Errno) {}
  override func checkAttributesAreChangeable() throws(Errno) { throw .notPermitted }

  override func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    var text = GeneratedText()
    try generate(into: &text)
    guard offset >= 0, offset < text.count, let base = text.view.base else { return 0 }
    let count = min(buffer.count, text.count - Int(offset))
    buffer.baseAddress?.copyMemory(from: base + Int(offset), byteCount: count)
    return count
  }
}

/// An open generated file, with the text that its reads go on with.
final class OpenGeneratedFile: OpenFile, @unchecked Sendable {
  private let file: GeneratedFileNode
  /// Under the mutex of the file's position.
  private var text = GeneratedText()
  private var hasText = false

  init(_ node: GeneratedFileNode, _ flags: OpenFlags) {
    file = node
    super.init(node: node, flags: flags)
  }

  override var hasPosition: Bool { true }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    let start = position ?? offset
    if start == 0 || !hasText {
      text.removeAll()
      hasText = false
      try file.generate(into: &text)
      if text.isCut { throw .outOfMemory }
      hasText = true
    }
    let view = text.view
    guard start < view.count, let rest = view.suffix(from: Int(start)) else { return 0 }
    let count = min(rest.count, buffer.remaining)
    if count > 0 { try buffer.put(UnsafeRawBufferPointer(rebasing: rest.bytes[0..<count])) }
    if position == nil { offset = start + Int64(count) }
    return count
  }

  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    let count = min(buffer.remaining, 4096)
    guard let memory = KernelHeap.allocate(size: max(count, 1), alignment: 8) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    try buffer.take(into: UnsafeMutableRawBufferPointer(start: memory, count: count))
    try file.accept(ByteView(base: memory, count: count))
    if position == nil { offset += Int64(count) }
    return count
  }

  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 {
    guard whence == Whence.set || whence == Whence.current else { throw .invalid }
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    self.offset = try Whence.position(offset, whence, current: self.offset, size: 0)
    return self.offset
  }
}

/// A generated file whose text a function writes.
final class GeneratedFunctionNode: GeneratedFileNode, @unchecked Sendable {
  typealias Generator = (inout GeneratedText) -> Void
  private let generator: Generator

  init(_ fileSystem: FileSystem, permissions: UInt32 = 0o444, _ generator: @escaping Generator) {
    self.generator = generator
    super.init(fileSystem, number: fileSystem.makeNumber(), permissions: permissions)
  }

  override func generate(into text: inout GeneratedText) throws(Errno) { generator(&text) }
}

/// A symbolic link whose target is made up as it is followed.
class GeneratedLinkNode: FileNode, @unchecked Sendable {
  init(_ fileSystem: FileSystem, number: UInt64) {
    super.init(fileSystem: fileSystem, number: number, mode: .symbolicLink.with(permissions: 0o777))
    stampNew()
  }

  override func checkAttributesAreChangeable() throws(Errno) { throw .notPermitted }

  /// Copies a text into a buffer of PATH_MAX bytes.
  static func copy(_ text: ByteView, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(text.count, buffer.count)
    if count > 0, let base = text.base { buffer.baseAddress!.copyMemory(from: base, byteCount: count) }
    return count
  }

  static func copy(_ message: Message, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(message.count, buffer.count)
    for index in 0..<count { buffer[index] = message[index] }
    return count
  }
}

/// A symbolic link with a text that stays.
final class GeneratedTextLinkNode: GeneratedLinkNode, @unchecked Sendable {
  private let target: StaticString

  init(_ fileSystem: FileSystem, to target: StaticString) {
    self.target = target
    super.init(fileSystem, number: fileSystem.makeNumber())
  }

  override func readLink(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    Self.copy(ByteView(target), into: buffer)
  }
}
