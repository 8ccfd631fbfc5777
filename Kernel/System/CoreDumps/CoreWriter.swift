import Core
import Machine

/// What writes a core: one place after the other, up to the process's limit.
struct CoreWriter: ~Copyable {
  private let process: Process
  private let file: OpenFile
  /// RLIMIT_CORE: the bytes that may be written; holes do not count.
  private let limit: UInt64
  private var written: UInt64 = 0
  /// Where the next byte goes.
  private(set) var position: UInt64 = 0
  /// A page to work in.
  private let page: UnsafeMutableRawBufferPointer

  /// Nil when memory is out.
  init?(_ file: OpenFile, of process: Process, limit: UInt64) {
    guard let memory = KernelHeap.allocate(size: Int(CoreFile.pageSize), alignment: 64) else { return nil }
    self.process = process
    self.file = file
    self.limit = limit
    page = UnsafeMutableRawBufferPointer(start: memory, count: Int(CoreFile.pageSize))
  }

  deinit { KernelHeap.deallocate(page.baseAddress!) }

  /// - Throws: where the limit is reached, the file can have no more, or SIGKILL has come.
  mutating func put(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
    if process.signals.isDumpEnded { throw .interrupted }
    guard written + UInt64(bytes.count) <= limit else { throw .fileTooLarge }
    var done = 0
    while done < bytes.count {
      // It is only read.
      var buffer = TransferBuffer(
        kernel: UnsafeMutableRawBufferPointer(
          mutating: UnsafeRawBufferPointer(rebasing: bytes[done...])))
      let count = try file.write(&buffer, at: Int64(position))
      guard count > 0 else { throw .noSpace }
      position += UInt64(count)
      done += count
    }
    written += UInt64(bytes.count)
  }

  /// - Parameter fill: gets as many bytes to fill, a page at most.
  mutating func put(count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) throws(Errno) {
    let part = UnsafeMutableRawBufferPointer(rebasing: page[0..<count])
    fill(part)
    try put(UnsafeRawBufferPointer(part))
  }

  /// - Parameter read: fills a page as far as it can, and returns how far.
  mutating func putPage(_ read: (UnsafeMutableRawBufferPointer) -> Int) throws(Errno) {
    let count = read(page)
    for index in count..<page.count { page[index] = 0 }
    try put(UnsafeRawBufferPointer(page))
  }

  /// Leaves a hole.
  mutating func skip(to position: UInt64) throws(Errno) {
    guard position <= UInt64(Int64.max) else { throw .fileTooLarge }
    self.position = position
  }

  /// The file is as long as what has been written and skipped.
  func end() throws(Errno) { try file.node.truncate(to: Int64(position)) }

  mutating func goBack(to position: UInt64) { self.position = position }
}
