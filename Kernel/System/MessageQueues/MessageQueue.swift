import Core
import Machine

/// A POSIX message queue (mq_overview(7)): a file of the file system `mqueue`.
///
/// It ends once it has neither a name nor an open file, with the messages that nobody has received.
final class MessageQueue: FileNode, @unchecked Sendable {
  /// What a sender waits with, or a receiver has been given.
  struct Transfer {
    var message: QueuedMessage?
    var priority: UInt32 = 0
  }

  let messageSize: Int
  private let accountedBytes: UInt64
  private let account: UnsafeMutablePointer<MessageQueueAccounts.Account>
  private let storage: UnsafeMutableRawPointer

  /// Guards all that follows. Inside it run queues are locked.
  private var lock = InterruptLock()
  private var order: MessageOrder<QueuedMessage>
  /// The sum of the messages' lengths.
  private var byteCount = 0
  private var receivers = WaitingList<Transfer>()
  private var senders = WaitingList<Transfer>()
  private var notification: MessageNotification?
  /// st_size, which ftruncate(2) may set to no effect.
  private var shownSize: Int64 = 80

  let watchers = WatcherList()

  /// - Parameters:
  ///   - mode: of a regular file.
  ///   - size: nil for the usual one.
  /// - Throws: ENOSPC, EINVAL, EMFILE, ENOMEM.
  init(fileSystem: FileSystem, number: UInt64, mode: FileMode, size requested: MessageQueueSize?) throws(Errno) {
    let process = Scheduler.current.pointee.process!
    let credentials = process.credentials
    let exceedsLimits = credentials.effective.contains(.exceedLimits)
    try MessageQueueAccounts.addQueue(exceedsLimits: exceedsLimits)
    var account: UnsafeMutablePointer<MessageQueueAccounts.Account>?
    var memory: UnsafeMutableRawPointer?
    let limits = MessageQueueAccounts.limits
    let size = requested ?? limits.defaultSize
    do throws(Errno) {
      try limits.check(size, exceedsLimits: exceedsLimits)
      account = try MessageQueueAccounts.charge(
        size.accountedBytes, to: credentials.user.real, limit: process.limit(.messageQueues))
      // Less than what has been charged.
      memory = KernelHeap.allocate(
        size: Int(size.messageCount) * MemoryLayout<MessageOrder<QueuedMessage>.Entry>.stride, alignment: 16)
      if memory == nil { throw .outOfMemory }
    } catch {
      if let account { MessageQueueAccounts.release(account, size.accountedBytes) }
      MessageQueueAccounts.removeQueue()
      throw error
    }
    messageSize = Int(size.messageSize)
    accountedBytes = size.accountedBytes
    self.account = account!
    storage = memory!
    order = MessageOrder(
      storage: storage.bindMemory(to: MessageOrder<QueuedMessage>.Entry.self, capacity: Int(size.messageCount)),
      capacity: Int(size.messageCount))
    super.init(fileSystem: fileSystem, number: number, mode: mode)
    stampNew()
  }

  deinit {
    while let next = order.takeFirst() { next.message.free() }
    KernelHeap.deallocate(storage)
    MessageQueueAccounts.release(account, accountedBytes)
    MessageQueueAccounts.removeQueue()
  }

  override var size: Int64 { shownSize }
  override func truncate(to size: Int64) throws(Errno) { shownSize = size }
  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile { MessageQueueFile(self, flags) }

  /// How many messages there are, and may be.
  var counts: (current: Int, maximum: Int) { lock.withLock { (order.count, order.capacity) } }

  // MARK: Sending and receiving

  /// Puts a message in, or hands it to who waits for one. The message is the queue's from now on, also after an error.
  ///
  /// - Parameters:
  ///   - waits: whether to wait for room.
  ///   - deadline: until when, in TSC ticks; nil for ever.
  /// - Throws: EAGAIN, ETIMEDOUT, ERESTARTSYS.
  func send(_ message: QueuedMessage, priority: UInt32, waits: Bool, until deadline: UInt64?) throws(Errno) {
    let wereEnabled = lock.acquire()
    if order.isFull {
      var waiter = WaitingThread(Transfer(message: message, priority: priority))
      var failure: Errno? = .tryAgain
      if waits { failure = withUnsafeMutablePointer(to: &waiter) { wait($0, isSender: true, until: deadline) } }
      lock.release(wereEnabled)
      if waits { Sleep.cancel(Scheduler.current) }
      if let failure {
        message.free()
        throw failure
      }
      return
    }
    var told: MessageNotification?
    let receiver = receivers.first
    if let receiver {
      receiver.pointee.details = Transfer(message: message, priority: priority)
      receivers.wake(receiver)
    } else {
      order.insert(message, priority: priority)
      byteCount += message.count
      // One notice for each request, of the first message that nobody waits for.
      if order.count == 1 { swap(&told, &notification) }
    }
    lock.release(wereEnabled)
    stampTouched()
    if receiver != nil { return }
    told?.tell()
    watchers.notify([.input, .inputNormal])
  }

  /// Takes the first message out, which is the caller's from now on.
  ///
  /// - Throws: as `send`.
  func receive(waits: Bool, until deadline: UInt64?) throws(Errno) -> (message: QueuedMessage, priority: UInt32) {
    let wereEnabled = lock.acquire()
    if let next = order.takeFirst() {
      byteCount -= next.message.count
      let sender = senders.first
      if let sender {
        let message = sender.pointee.details.message!
        order.insert(message, priority: sender.pointee.details.priority)
        byteCount += message.count
        senders.wake(sender)
      }
      lock.release(wereEnabled)
      stampTouched()
      if sender == nil { watchers.notify([.output, .outputNormal]) }
      return next
    }
    var waiter = WaitingThread(Transfer())
    var failure: Errno? = .tryAgain
    if waits { failure = withUnsafeMutablePointer(to: &waiter) { wait($0, isSender: false, until: deadline) } }
    lock.release(wereEnabled)
    if waits { Sleep.cancel(Scheduler.current) }
    if let failure { throw failure }
    return (waiter.details.message!, waiter.details.priority)
  }

  /// Has the current thread wait until it is served. The lock is held, and is again on return; interrupts are disabled
  /// throughout.
  ///
  /// - Returns: why it was not served.
  private func wait(_ waiter: WaitingList<Transfer>.Waiter, isSender: Bool, until deadline: UInt64?) -> Errno? {
    let thread = waiter.pointee.thread
    if isSender { senders.append(waiter) } else { receivers.append(waiter) }
    var failure: Errno?
    while waiter.pointee.isListed {
      if thread.pointee.head.hasSignal != 0 {
        failure = .restart
      } else if let deadline, readTimeStampCounter() >= deadline {
        failure = .timedOut
      }
      if failure != nil {
        if isSender { senders.remove(waiter) } else { receivers.remove(waiter) }
        break
      }
      Sleep.markBlocked(thread, until: deadline)
      lock.releaseWithInterruptsDisabled()
      Scheduler.block()
      lock.acquireWithInterruptsDisabled()
    }
    return failure
  }

  private func stampTouched() {
    stampModified()
    accessTime = modificationTime
  }

  // MARK: Notification

  /// Has a process be told once.
  ///
  /// - Throws: EBUSY where another is, or the same already.
  func setNotification(_ new: MessageNotification) throws(Errno) {
    let isSet = lock.withLock {
      if notification != nil { return false }
      notification = new
      return true
    }
    if !isSet { throw .busy }
    stampAsked()
  }

  /// Takes a process's request back, if there is one.
  func removeNotification(of process: Process) {
    var old: MessageNotification?
    lock.withLock { if notification?.process === process { swap(&old, &notification) } }
    if old != nil { stampAsked() }
  }

  /// As requests and reads leave it: the times of access and of change, not of modification.
  func stampAsked() {
    accessTime = FileTime.now
    statusChangeTime = accessTime
  }

  // MARK: Looking

  func poll() -> PollEvents {
    lock.withLock {
      var events: PollEvents = []
      if !order.isEmpty { events.insert([.input, .inputNormal]) }
      if !order.isFull { events.insert([.output, .outputNormal]) }
      return events
    }
  }

  /// What a read of the queue's file shows (mq_overview(7)).
  var status: (byteCount: Int, kind: Int32, signal: Int32, process: Int32) {
    lock.withLock {
      (byteCount, notification?.kind ?? 0, notification?.signal ?? 0, notification?.process.identifier ?? 0)
    }
  }
}
