import Core
import Machine

/// The locks that a thread leaves behind when it ends (get_robust_list(2)).
enum RobustList {
  /// How many entries are looked at: a list that goes round in a circle must not keep the thread.
  private static var limit: Int { 2048 }

  /// `struct robust_list_head`
  private struct Head: BitwiseCopyable {
    var first: UInt64 = 0
    var futexOffset: Int64 = 0
    var pending: UInt64 = 0
  }

  /// Marks the current thread's locks as left by a dead owner, and wakes a waiter of each. Its memory is
  /// loaded.
  static func release(_ thread: ThreadPointer) {
    let address = thread.pointee.robustList
    if address == 0 { return }
    thread.pointee.robustList = 0
    guard let head = UserMemory.load(Head(), from: address) else { return }
    var entry = head.first
    var count = 0
    // The lowest bit of a pointer says that the lock has priority inheritance.
    while entry & ~1 != address, count < limit {
      guard let next = UserMemory.load(UInt64(0), from: entry & ~1) else { return }
      if entry & ~1 != head.pending & ~1 {
        guard release(thread, entry, head.futexOffset, isPending: false) else { return }
      }
      entry = next
      count += 1
    }
    if head.pending & ~1 != 0 { _ = release(thread, head.pending, head.futexOffset, isPending: true) }
  }

  /// - Parameter isPending: the thread was about to take or release it.
  /// - Returns: false after a bad address.
  private static func release(
    _ thread: ThreadPointer, _ entry: UInt64, _ offset: Int64, isPending: Bool
  ) -> Bool {
    let address = entry & ~1 &+ UInt64(bitPattern: offset)
    let isForPriority = entry & 1 != 0
    guard address & 3 == 0 else { return false }
    while true {
      guard let value = UserMemory.loadWord(address) else { return false }
      if isPending, !isForPriority, value == 0 {
        // It had unlocked the word, and not yet woken anybody.
        Futexes.wakeShared(address)
        return true
      }
      let word = FutexLockWord(value)
      guard let new = word.abandoned(by: UInt32(bitPattern: thread.pointee.identifier)) else { return true }
      switch UserMemory.compareExchange(address, expected: value, with: new) {
      case .exchanged:
        if word.hasWaiters, !isForPriority { Futexes.wakeShared(address) }
        return true
      case .different: continue
      case .faulted: return false
      }
    }
  }
}
