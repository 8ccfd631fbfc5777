import Core
import Machine

/// Who has sent a message, or is at the other end of a connection: `struct ucred` (unix(7)).
struct SocketCredentials: BitwiseCopyable {
  var process: Int32
  var user: UInt32
  var group: UInt32

  /// The current process's.
  static var current: SocketCredentials {
    let process = Scheduler.current.pointee.process!
    let credentials = process.lock.withLock { process.attributes.credentials }
    return SocketCredentials(
      process: process.identifier, user: credentials.user.effective, group: credentials.group.effective)
  }

  /// Nobody's, where there is no peer.
  static var none: SocketCredentials { SocketCredentials(process: 0, user: .max, group: .max) }
}

/// Bytes on their way from one Unix socket to another, with what goes along.
final class SocketMessage: @unchecked Sendable {
  /// What a message costs its sender beside its bytes.
  static var overhead: Int { 256 }

  /// Open files in messages that have not been read: a limit bounds what sockets that carry each other can take.
  nonisolated(unsafe) private static var filesInFlight = AtomicWord()
  static var filesInFlightLimit: Int { 16_384 }
  static var hasTooManyFilesInFlight: Bool { filesInFlight.load() > UInt32(filesInFlightLimit) }

  private let memory: UnsafeMutableRawPointer?
  private let fileCount: UInt32
  let count: Int
  /// How many of the bytes have been read, of a stream.
  var consumed = 0
  let credentials: SocketCredentials
  /// The sender, charged with the message until it has been read.
  let sender: UnixEndpoint
  /// The sender's name, also where it was given after the message was sent.
  var senderName: [UInt8]? { sender.name }
  /// Open files that go along (SCM_RIGHTS).
  var files: [OpenFile]
  /// The next in a queue.
  var next: SocketMessage?

  /// Whether there are sockets among the files.
  let carriesSockets: Bool
  /// Where it waits, and its neighbours on the list of `SocketGarbage`, where it carries sockets.
  var receiver: Unmanaged<UnixEndpoint>?
  var nextCarrier: Unmanaged<SocketMessage>?
  var previousCarrier: Unmanaged<SocketMessage>?

  /// - Returns: nil when memory is out.
  init?(count: Int, from sender: UnixEndpoint, _ credentials: SocketCredentials, files: [OpenFile]) {
    var memory: UnsafeMutableRawPointer?
    guard Frames.freeCount > Frames.reserve + count / 4096 + 1 else { return nil }
    if count > 0 {
      memory = KernelHeap.allocate(size: count, alignment: 8)
      if memory == nil { return nil }
    }
    self.memory = memory
    self.count = count
    self.sender = sender
    self.credentials = credentials
    self.files = files
    fileCount = UInt32(files.count)
    var carriesSockets = false
    for file in files where file.socket != nil { carriesSockets = true }
    self.carriesSockets = carriesSockets
    Self.filesInFlight.add(fileCount)
  }

  deinit {
    Self.filesInFlight.subtract(fileCount)
    if let memory { KernelHeap.deallocate(memory) }
  }

  /// Calls `body` with the endpoints of the sockets among the files.
  func forEachSocket(_ body: (UnixEndpoint) -> Void) {
    for file in files { if let socket = file.socket { body(socket.endpoint) } }
  }

  var charge: Int { count + Self.overhead }
  var remaining: Int { count - consumed }

  /// All of its bytes.
  var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: memory, count: count) }
}

/// Messages in the order in which they came.
struct SocketMessageQueue {
  private(set) var first: SocketMessage?
  private var last: SocketMessage?
  private(set) var count = 0
  /// Bytes that have not been read.
  var byteCount = 0

  mutating func append(_ message: SocketMessage) {
    if let last { last.next = message } else { first = message }
    last = message
    count += 1
    byteCount += message.remaining
  }

  mutating func removeFirst() -> SocketMessage? {
    guard let message = first else { return nil }
    first = message.next
    if first == nil { last = nil }
    message.next = nil
    count -= 1
    byteCount -= message.remaining
    return message
  }
}

/// The end of messages that nobody will read.
///
/// A message may carry the last reference to a socket whose queue has messages that carry others: they are ended one
/// after the other, not inside each other, so that the stack does not grow with them.
enum SocketGraveyard {
  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var queue = SocketMessageQueue()
  nonisolated(unsafe) private static var isBeingEmptied = false

  static func add(_ messages: inout SocketMessageQueue) {
    while let message = messages.removeFirst() { lock.withLock { queue.append(message) } }
    let isMine = lock.withLock {
      if isBeingEmptied || queue.first == nil { return false }
      isBeingEmptied = true
      return true
    }
    guard isMine else { return }
    while true {
      let message = lock.withLock {
        let message = queue.removeFirst()
        if message == nil { isBeingEmptied = false }
        return message
      }
      guard let message else { return }
      message.sender.uncharge(message)
      message.files = []
    }
  }
}
