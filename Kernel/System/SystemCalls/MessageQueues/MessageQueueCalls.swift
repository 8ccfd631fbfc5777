import Core
import Machine

/// POSIX message queues (mq_overview(7)).
extension SystemCalls {
  /// Linux's `struct mq_attr`.
  private struct QueueAttributes: BitwiseCopyable {
    var flags: Int64 = 0
    var messageCount: Int64 = 0
    var messageSize: Int64 = 0
    var currentCount: Int64 = 0
    var reserved: (Int64, Int64, Int64, Int64) = (0, 0, 0, 0)
  }

  /// mq_open(2): the name is without the slash that the C library's function of the name wants.
  static func mq_open(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var size: MessageQueueSize?
    if arguments.fourth != 0 {
      guard let given = UserMemory.load(QueueAttributes(), from: arguments.fourth) else { throw .badAddress }
      size = MessageQueueSize(messageCount: given.messageCount, messageSize: given.messageSize)
    }
    let name = try UserPath(arguments.first)
    let flags = OpenFlags(rawValue: UInt32(truncatingIfNeeded: arguments.second) & OpenFlags.known)
    let permissions = UInt32(truncatingIfNeeded: arguments.third) & 0o7777 & ~fileSystem.umask
    return try addDescriptor(closesOnExec: true) { () throws(Errno) in
      try MessageQueueName.check(name.view)
      return try MessageQueueFileSystem.open(name.view, flags, permissions: permissions, size: size)
    }
  }

  /// mq_unlink(2)
  static func mq_unlink(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let name = try UserPath(arguments.first)
    try MessageQueueName.check(name.view)
    let root = MessageQueueFileSystem.root
    try FileTree.unlink(name.view, from: root, PathLookup(root: root, identity: .current))
    return 0
  }

  private static func messageQueue(_ descriptor: UInt64) throws(Errno) -> MessageQueueFile {
    guard let file = try file(descriptor).messageQueue else { throw .badFile }
    return file
  }

  /// A time of the wall clock in user memory as a deadline in TSC ticks; nil for address 0.
  private static func deadline(ofWallClockAt address: UInt64) throws(Errno) -> UInt64? {
    if address == 0 { return nil }
    return deadline(of: .realTime, at: try timeSpecification(at: address))
  }

  /// mq_timedsend(2)
  static func mq_timedsend(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let deadline = try deadline(ofWallClockAt: arguments.fifth)
    let priority = UInt32(truncatingIfNeeded: arguments.fourth)
    guard priority < MessageOrder<QueuedMessage>.priorityLimit else { throw .invalid }
    let file = try messageQueue(arguments.first)
    guard file.flags.isWritable else { throw .badFile }
    guard arguments.third <= UInt64(file.queue.messageSize) else { throw .messageTooLong }
    let message = try QueuedMessage(copying: arguments.second, count: Int(arguments.third))
    try file.queue.send(message, priority: priority, waits: !file.isNonBlocking, until: deadline)
    return 0
  }

  /// mq_timedreceive(2). As on Linux a message that cannot be stored is lost.
  static func mq_timedreceive(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let deadline = try deadline(ofWallClockAt: arguments.fifth)
    let file = try messageQueue(arguments.first)
    guard file.flags.isReadable else { throw .badFile }
    guard arguments.third >= UInt64(file.queue.messageSize) else { throw .messageTooLong }
    let (message, priority) = try file.queue.receive(waits: !file.isNonBlocking, until: deadline)
    defer { message.free() }
    guard arguments.fourth == 0 || UserMemory.store(priority, to: arguments.fourth),
      message.copyOut(to: arguments.second)
    else { throw .badAddress }
    return Int64(message.count)
  }

  /// Linux's `struct sigevent`.
  private struct Event: BitwiseCopyable {
    var value: UInt64 = 0
    var signal: Int32 = 0
    var notification: Int32 = 0
    var rest: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
  }

  /// mq_notify(2)
  static func mq_notify(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let process = Scheduler.current.pointee.process!
    guard arguments.second != 0 else {
      try messageQueue(arguments.first).queue.removeNotification(of: process)
      return 0
    }
    guard let event = UserMemory.load(Event(), from: arguments.second) else { throw .badAddress }
    switch event.notification {
    case 0: guard event.signal >= 0, event.signal <= 64 else { throw .invalid }  // SIGEV_SIGNAL
    case 1: break  // SIGEV_NONE
    case 2: try refuseThread(event)
    default: throw .invalid
    }
    let notification = MessageNotification(
      process, signal: event.notification == 0 ? event.signal : nil, value: event.value)
    try messageQueue(arguments.first).queue.setNotification(notification)
    return 0
  }

  /// SIGEV_THREAD comes with a netlink socket, by which a thread of the C library is told, and with what it is told.
  /// There are no such sockets: what is given is refused in Linux's order.
  private static func refuseThread(_ event: Event) throws(Errno) {
    guard UserMemory.load((UInt64(0), UInt64(0), UInt64(0), UInt64(0)), from: event.value) != nil else {
      throw .badAddress
    }
    let file = try file(UInt64(UInt32(bitPattern: event.signal)))
    throw file.socket == nil ? .notSocket : .invalid
  }

  /// mq_getsetattr(2): O_NONBLOCK is all that can be set.
  static func mq_getsetattr(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var new: QueueAttributes?
    if arguments.second != 0 {
      guard let given = UserMemory.load(QueueAttributes(), from: arguments.second) else { throw .badAddress }
      new = given
      guard given.flags & ~Int64(OpenFlags.nonBlocking.rawValue) == 0 else { throw .invalid }
    }
    let file = try messageQueue(arguments.first)
    let counts = file.queue.counts
    let old = QueueAttributes(
      flags: Int64(file.flags.intersection(.nonBlocking).rawValue), messageCount: Int64(counts.maximum),
      messageSize: Int64(file.queue.messageSize), currentCount: Int64(counts.current))
    if let new {
      if new.flags != 0 { file.flags.insert(.nonBlocking) } else { file.flags.remove(.nonBlocking) }
      file.queue.stampAsked()
    }
    if arguments.third != 0, !UserMemory.store(old, to: arguments.third) { throw .badAddress }
    return 0
  }
}
