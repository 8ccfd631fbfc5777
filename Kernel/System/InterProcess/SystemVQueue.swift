import Core
import Machine

/// A message on its way: in the heap, with its bytes behind this record.
struct SystemVMessage {
  typealias Pointer = UnsafeMutablePointer<SystemVMessage>

  let type: Int64
  /// In bytes.
  let count: Int
  fileprivate var next: Pointer?

  /// A message with bytes of the current process's.
  static func make(type: Int64, from address: UInt64, count: Int) throws(Errno) -> Pointer {
    guard let memory = InterProcessMemory.allocate(size: size(count)) else { throw .outOfMemory }
    let message = memory.bindMemory(to: SystemVMessage.self, capacity: 1)
    message.initialize(to: SystemVMessage(type: type, count: count))
    guard UserMemory.copyIn(message.bytes, from: address, count: count) else {
      message.deallocateMessage()
      throw .badAddress
    }
    return message
  }

  fileprivate static func size(_ count: Int) -> Int { MemoryLayout<SystemVMessage>.stride + count }
}

extension UnsafeMutablePointer where Pointee == SystemVMessage {
  var bytes: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self) + MemoryLayout<SystemVMessage>.stride }

  func deallocateMessage() { InterProcessMemory.deallocate(self, size: SystemVMessage.size(pointee.count)) }

  /// A message of its own with the same contents.
  fileprivate func copy() -> SystemVMessage.Pointer? {
    guard let memory = InterProcessMemory.allocate(size: SystemVMessage.size(pointee.count)) else { return nil }
    let message = memory.bindMemory(to: SystemVMessage.self, capacity: 1)
    message.initialize(to: SystemVMessage(type: pointee.type, count: pointee.count))
    message.bytes.copyMemory(from: bytes, byteCount: pointee.count)
    return message
  }
}

/// A message queue (msgget(2)).
///
/// A message goes straight to a receiver that waits for one like it. Senders that wait are woken once theirs has room, and
/// look again.
final class SystemVQueue: InterProcessObject, @unchecked Sendable {
  /// What a receiver waits for.
  struct Receiver {
    let selection: MessageSelection
    /// The longest message that it takes.
    let limit: Int
    let process: Int32
    /// Once it is off the list: what it has been given, or why it has not; neither where it is to look again.
    var message: SystemVMessage.Pointer?
    var failure: Errno?
  }

  // Under the lock.

  private var first: SystemVMessage.Pointer?
  private var last: SystemVMessage.Pointer?
  private var messageCount = 0
  private var byteCount = 0
  private var byteLimit: UInt64
  private var sendTime: Int64 = 0
  private var receiveTime: Int64 = 0
  private var lastSender: Int32 = 0
  private var lastReceiver: Int32 = 0
  private var receivers = WaitingList<Receiver>()
  /// Who wants to send so many bytes.
  private var senders = WaitingList<Int>()

  init(key: Int32, flags: UInt64) {
    byteLimit = UInt64(SystemVQueues.maximumBytes)
    super.init(key: key, mode: UInt32(truncatingIfNeeded: flags))
  }

  deinit { dropMessages() }

  // MARK: Sending

  private func hasRoom(for count: Int) -> Bool {
    UInt64(byteCount + count) <= byteLimit && UInt64(messageCount + 1) <= byteLimit
  }

  /// msgsnd(2)
  ///
  /// - Parameter message: the queue's, unless this throws.
  func send(_ message: SystemVMessage.Pointer, waits: Bool) throws(Errno) {
    while true {
      try check(InterProcessPermissions.write)
      lock.acquire()
      defer { lock.release() }
      try checkIsThere()
      if hasRoom(for: message.pointee.count) {
        lastSender = InterProcess.caller
        sendTime = InterProcessTime.now
        if !handOver(message) { append(message) }
        return
      }
      guard waits else { throw .tryAgain }
      var waiter = WaitingThread(message.pointee.count)
      try withUnsafeMutablePointer(to: &waiter) { waiter throws(Errno) in
        senders.append(waiter)
        let outcome = sleep(waiter)
        if outcome != .woken { senders.remove(waiter) }
        try checkIsThere()
        if outcome == .interrupted { throw .restartUnlessHandled }
      }
    }
  }

  /// Gives a message to a receiver that waits for it. The lock is held.
  private func handOver(_ message: SystemVMessage.Pointer) -> Bool {
    var next = receivers.first
    while let receiver = next {
      next = receivers.next(after: receiver)
      guard receiver.pointee.details.selection.accepts(message.pointee.type) else { continue }
      if receiver.pointee.details.limit < message.pointee.count {
        receiver.pointee.details.failure = .argumentsTooLong
        receivers.wake(receiver)
        continue
      }
      lastReceiver = receiver.pointee.details.process
      receiveTime = InterProcessTime.now
      receiver.pointee.details.message = message
      receivers.wake(receiver)
      return true
    }
    return false
  }

  private func append(_ message: SystemVMessage.Pointer) {
    if let last { last.pointee.next = message } else { first = message }
    last = message
    messageCount += 1
    byteCount += message.pointee.count
    SystemVQueues.count(messages: 1, bytes: message.pointee.count)
  }

  // MARK: Receiving

  /// msgrcv(2)
  ///
  /// - Parameters:
  ///   - limit: how many bytes the program has room for.
  ///   - cutsOff: whether it takes a longer message too (MSG_NOERROR).
  /// - Returns: the message, which is the caller's.
  func receive(
    _ selection: MessageSelection, limit: Int, cutsOff: Bool, waits: Bool
  ) throws(Errno) -> SystemVMessage.Pointer {
    while true {
      try check(InterProcessPermissions.read)
      lock.acquire()
      defer { lock.release() }
      try checkIsThere()
      let found = selection.find(from: first, next: { $0.pointee.next }, type: { $0.pointee.type })
      if let found {
        if limit < found.pointee.count, !cutsOff { throw .argumentsTooLong }
        take(found)
        lastReceiver = InterProcess.caller
        receiveTime = InterProcessTime.now
        wakeSenders()
        return found
      }
      guard waits else { throw .noMessage }
      var waiter = WaitingThread(
        Receiver(selection: selection, limit: cutsOff ? .max : limit, process: InterProcess.caller))
      let message = try withUnsafeMutablePointer(to: &waiter) { waiter throws(Errno) in
        receivers.append(waiter)
        let outcome = sleep(waiter)
        if outcome != .woken { receivers.remove(waiter) }
        if let failure = waiter.pointee.details.failure { throw failure }
        if let message = waiter.pointee.details.message { return message as SystemVMessage.Pointer? }
        try checkIsThere()
        if outcome == .interrupted { throw .restartUnlessHandled }
        return nil
      }
      if let message { return message }
    }
  }

  /// A copy of a message, which stays where it is (MSG_COPY).
  func copy(_ selection: MessageSelection, limit: Int, cutsOff: Bool) throws(Errno) -> SystemVMessage.Pointer {
    try check(InterProcessPermissions.read)
    lock.acquire()
    defer { lock.release() }
    try checkIsThere()
    let found = selection.find(from: first, next: { $0.pointee.next }, type: { $0.pointee.type })
    guard let found else { throw .noMessage }
    if limit < found.pointee.count { throw cutsOff ? .invalid : .argumentsTooLong }
    guard let copy = found.copy() else { throw .outOfMemory }
    return copy
  }

  /// Takes a message off the queue.
  private func take(_ message: SystemVMessage.Pointer) {
    var previous: SystemVMessage.Pointer?
    var candidate = first
    while let other = candidate, other != message {
      previous = other
      candidate = other.pointee.next
    }
    if let previous { previous.pointee.next = message.pointee.next } else { first = message.pointee.next }
    if last == message { last = previous }
    message.pointee.next = nil
    messageCount -= 1
    byteCount -= message.pointee.count
    SystemVQueues.count(messages: -1, bytes: -message.pointee.count)
  }

  private func wakeSenders() {
    var next = senders.first
    while let sender = next {
      next = senders.next(after: sender)
      if hasRoom(for: sender.pointee.details) { senders.wake(sender) }
    }
  }

  private func dropMessages() {
    while let message = first {
      first = message.pointee.next
      SystemVQueues.count(messages: -1, bytes: -message.pointee.count)
      message.deallocateMessage()
    }
    last = nil
    messageCount = 0
    byteCount = 0
  }

  // MARK: Attributes and removal

  var record: MessageQueueRecord {
    lock.withLock {
      var record = MessageQueueRecord()
      record.permissions = InterProcessPermissionRecord(self)
      record.sendTime = sendTime
      record.receiveTime = receiveTime
      record.changeTime = changeTime
      record.byteCount = UInt64(byteCount)
      record.messageCount = UInt64(messageCount)
      record.byteLimit = byteLimit
      record.lastSender = lastSender
      record.lastReceiver = lastReceiver
      return record
    }
  }

  /// IPC_SET: who waits looks again.
  func set(_ record: MessageQueueRecord) throws(Errno) {
    try set(record.permissions) {
      byteLimit = record.byteLimit
      while let receiver = receivers.first { receivers.wake(receiver) }
      wakeSenders()
    }
  }

  /// IPC_RMID: whoever waits gets EIDRM.
  func remove() throws(Errno) {
    guard InterProcess.messages.remove(self) else { throw .identifierRemoved }
    lock.acquire()
    isRemoved = true
    while let receiver = receivers.first {
      receiver.pointee.details.failure = .identifierRemoved
      receivers.wake(receiver)
    }
    while let sender = senders.first { senders.wake(sender) }
    dropMessages()
    lock.release()
  }
}

/// All queues together.
enum SystemVQueues {
  /// Guards the counts; innermost.
  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var storedCounts = (messages: 0, bytes: 0)

  /// MSGMAX and MSGMNB (proc_sys_kernel(5)). Words that are read without a lock.
  nonisolated(unsafe) static var maximumSize: Int32 = 8192
  nonisolated(unsafe) static var maximumBytes: Int32 = 16384

  static var counts: (messages: Int, bytes: Int) { lock.withLock { storedCounts } }

  static func count(messages: Int, bytes: Int) {
    lock.withLock {
      storedCounts.messages += messages
      storedCounts.bytes += bytes
    }
  }

  static func make(key: Int32, flags: UInt64) throws(Errno) -> SystemVQueue {
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    return SystemVQueue(key: key, flags: flags)
  }

  static func queue(_ identifier: Int32) throws(Errno) -> SystemVQueue {
    unsafeDowncast(try InterProcess.messages.object(identifier), to: SystemVQueue.self)
  }
}
