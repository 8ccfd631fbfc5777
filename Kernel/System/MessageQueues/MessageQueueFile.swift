import Core
import Machine

/// A message queue that is open: what mq_open(3) gives a descriptor of.
final class MessageQueueFile: OpenFile, @unchecked Sendable {
  let queue: MessageQueue

  init(_ queue: MessageQueue, _ flags: OpenFlags) {
    self.queue = queue
    super.init(node: queue, flags: flags)
    hearsOfClosing = true
  }

  override var messageQueue: MessageQueueFile? { self }

  /// A process that closes a descriptor of the queue is not told of its messages any more.
  override func descriptorClosed() {
    if let process = Scheduler.current.pointee.process { queue.removeNotification(of: process) }
  }

  override func poll() -> PollEvents { queue.poll() }
  override var watchers: WatcherList? { queue.watchers }

  // MARK: As a file

  override var hasPosition: Bool { true }

  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 {
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    self.offset = try Whence.position(offset, whence, current: self.offset, size: queue.size)
    return self.offset
  }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    if let position { return try read(&buffer, from: position) }
    let mutex = FileMutexes.position(of: self)
    mutex.acquire()
    defer { mutex.release() }
    let count = try read(&buffer, from: offset)
    offset += Int64(count)
    return count
  }

  /// The queue's status: one line.
  private func read(_ buffer: inout TransferBuffer, from position: Int64) throws(Errno) -> Int {
    guard position >= 0 else { throw .invalid }
    let status = queue.status
    var line = InlineArray<80, UInt8>(repeating: 0)
    var length = 0
    withUnsafeMutableBytes(of: &line) { bytes in
      var text = TextBuffer(bytes)
      Self.put("QSIZE:", Int64(status.byteCount), width: 10, &text)
      Self.put(" NOTIFY:", Int64(status.kind), width: 5, &text)
      Self.put(" SIGNO:", Int64(status.signal), width: 5, &text)
      Self.put(" NOTIFY_PID:", Int64(status.process), width: 6, &text)
      text.put("\n")
      length = text.count
    }
    guard position < Int64(length), buffer.remaining > 0 else { return 0 }
    let count = min(length - Int(position), buffer.remaining)
    try withUnsafeBytes(of: line) { bytes throws(Errno) in
      try buffer.put(UnsafeRawBufferPointer(rebasing: bytes[Int(position)..<Int(position) + count]))
    }
    queue.stampAsked()
    return count
  }

  private static func put(_ name: StaticString, _ value: Int64, width: Int, _ text: inout TextBuffer) {
    text.put(name)
    let start = text.count
    text.put(value)
    while text.count < start + width { text.put(" ") }
  }
}
