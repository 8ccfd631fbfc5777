import Core
import Machine

/// How many queues there are, and how much of them each user has (getrlimit(2), RLIMIT_MSGQUEUE).
enum MessageQueueAccounts {
  /// A user's queues, in the kernel's heap while there are any.
  struct Account {
    let user: UInt32
    fileprivate var bytes: UInt64 = 0
    fileprivate var queueCount = 0
    fileprivate var next: UnsafeMutablePointer<Account>?

    fileprivate init(user: UInt32) { self.user = user }
  }

  /// Guards all that follows. The heap's is inside.
  nonisolated(unsafe) private static var lock = InterruptLock()
  nonisolated(unsafe) private static var first: UnsafeMutablePointer<Account>?
  nonisolated(unsafe) private static var queueCount = 0
  nonisolated(unsafe) private static var storedLimits: MessageQueueLimits?

  /// While the machine comes up.
  static func initialize() { storedLimits = MessageQueueLimits() }

  static var limits: MessageQueueLimits {
    get { lock.withLock { storedLimits! } }
    set { lock.withLock { storedLimits = newValue } }
  }

  /// Counts a queue.
  ///
  /// - Throws: ENOSPC.
  static func addQueue(exceedsLimits: Bool) throws(Errno) {
    let isAllowed = lock.withLock {
      guard exceedsLimits || storedLimits!.allowsQueue(after: queueCount) else { return false }
      queueCount += 1
      return true
    }
    if !isAllowed { throw .noSpace }
  }

  static func removeQueue() { lock.withLock { queueCount -= 1 } }

  /// Charges a queue to a user.
  ///
  /// - Parameter limit: how many bytes all of his may have.
  /// - Throws: EMFILE, ENOMEM.
  static func charge(_ bytes: UInt64, to user: UInt32, limit: UInt64) throws(Errno) -> UnsafeMutablePointer<Account> {
    guard Frames.freeCount > Frames.reserve * 2 else { throw .outOfMemory }
    var failure: Errno?
    let account: UnsafeMutablePointer<Account>? = lock.withLock {
      var account = first
      while let candidate = account, candidate.pointee.user != user { account = candidate.pointee.next }
      // A user without queues has no account: there is nothing to give back where this fails.
      let present = account?.pointee.bytes ?? 0
      if bytes > limit || present > limit - bytes {
        failure = .tooManyFiles
        return nil
      }
      if account == nil {
        guard let memory = KernelHeap.allocate(size: MemoryLayout<Account>.size, alignment: 16) else { return nil }
        let new = memory.bindMemory(to: Account.self, capacity: 1)
        new.initialize(to: Account(user: user))
        new.pointee.next = first
        first = new
        account = new
      }
      account!.pointee.bytes += bytes
      account!.pointee.queueCount += 1
      return account
    }
    guard let account else { throw failure ?? .outOfMemory }
    return account
  }

  static func release(_ account: UnsafeMutablePointer<Account>, _ bytes: UInt64) {
    lock.withLock {
      account.pointee.bytes -= bytes
      account.pointee.queueCount -= 1
      if account.pointee.queueCount > 0 { return }
      if first == account {
        first = account.pointee.next
      } else {
        var previous = first
        while let candidate = previous, candidate.pointee.next != account { previous = candidate.pointee.next }
        previous?.pointee.next = account.pointee.next
      }
      KernelHeap.deallocate(account)
    }
  }

  // MARK: /proc/sys/fs/mqueue

  static func addFiles(to files: FixedDirectory) {
    let directory = files.addDirectory("mqueue")
    add("msg_default", .defaultMessageCount, to: directory)
    add("msg_max", .messageCount, to: directory)
    add("msgsize_default", .defaultMessageSize, to: directory)
    add("msgsize_max", .messageSize, to: directory)
    add("queues_max", .queues, to: directory)
  }

  private static func add(_ fileName: StaticString, _ name: MessageQueueLimits.Name, to directory: FixedDirectory) {
    directory.addFile(
      fileName, permissions: 0o644,
      { text throws(Errno) in
        text.put(limits[name])
        text.put("\n")
      },
      receiver: { value throws(Errno) in
        // One writer's change may replace another's: all are root.
        var changed = limits
        try changed.set(name, to: value)
        limits = changed
      })
  }
}
