import Core
import Machine

/// Records of queued signals, from the kernel's heap. In any context.
enum SignalRecords {
  /// Signals that a user's processes have in their queues (getrlimit(2), RLIMIT_SIGPENDING).
  private struct Account {
    var user: UInt32 = 0
    var count: UInt32 = 0
  }

  /// Guards the accounts. Inside of the signal locks; the heap's is inside.
  nonisolated(unsafe) private static var lock = InterruptLock()
  nonisolated(unsafe) private static var accounts: UnsafeMutablePointer<Account>?
  /// More users than this with queued signals at a time share the last account.
  private static var accountCount: Int { 128 }

  /// How many there are.
  nonisolated(unsafe) private static var count = AtomicWord()
  /// The most that there may be, whatever the limits say.
  private static var hardLimit: UInt32 { 65_536 }

  /// - Parameters:
  ///   - user: the real user of the process that gets it.
  ///   - limit: of the user's queued signals; nil for a signal that is not to be lost on account of it.
  /// - Returns: nil where memory or the limit is reached.
  static func make(_ information: SignalInformation, user: UInt32, limit: UInt64?) -> PendingSignals.Record? {
    let before = count.add(1)
    guard before < hardLimit, let memory = KernelHeap.allocate(size: MemoryLayout<QueuedSignal>.size, alignment: 16)
    else {
      count.subtract(1)
      return nil
    }
    guard let account = charge(user, limit) else {
      KernelHeap.deallocate(memory)
      count.subtract(1)
      return nil
    }
    let record = memory.bindMemory(to: QueuedSignal.self, capacity: 1)
    record.initialize(to: QueuedSignal(information))
    record.pointee.account = account
    return record
  }

  /// Counts a signal of a user's.
  ///
  /// - Returns: the account's number, from 1 on; nil at the limit.
  private static func charge(_ user: UInt32, _ limit: UInt64?) -> UInt8? {
    lock.withLock {
      if accounts == nil {
        let memory = KernelHeap.allocate(size: accountCount * MemoryLayout<Account>.stride, alignment: 16)
        guard let memory else { return nil }
        accounts = memory.bindMemory(to: Account.self, capacity: accountCount)
        accounts!.initialize(repeating: Account(), count: accountCount)
      }
      let accounts = accounts!
      var chosen = accountCount - 1
      for index in 0..<accountCount {
        if accounts[index].count > 0, accounts[index].user == user {
          chosen = index
          break
        }
        if accounts[index].count == 0, chosen == accountCount - 1 { chosen = index }
      }
      if accounts[chosen].count == 0 { accounts[chosen].user = user }
      if let limit, UInt64(accounts[chosen].count) >= limit { return nil }
      accounts[chosen].count += 1
      return UInt8(chosen + 1)
    }
  }

  /// A record's signal is on no queue any more.
  static func uncharge(_ record: PendingSignals.Record) {
    let account = Int(record.pointee.account)
    if account == 0 { return }
    record.pointee.account = 0
    lock.withLock { accounts![account - 1].count -= 1 }
  }

  static func free(_ record: PendingSignals.Record) {
    uncharge(record)
    KernelHeap.deallocate(record)
    count.subtract(1)
  }
}
