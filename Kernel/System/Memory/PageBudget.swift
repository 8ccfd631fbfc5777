import Machine

/// How many pages the files of a file system may have (tmpfs(5), size).
final class PageBudget: @unchecked Sendable {
  /// Guards what follows; innermost.
  private var lock = SpinLock()
  private(set) var limit: UInt64
  private(set) var used: UInt64 = 0

  init(limit: UInt64) { self.limit = limit }

  /// Takes a page out of it; false where it is spent.
  func take() -> Bool {
    lock.withLock {
      if used >= limit { return false }
      used += 1
      return true
    }
  }

  func giveBack() { lock.withLock { used -= 1 } }

  /// How many pages are left of it.
  var rest: UInt64 { lock.withLock { limit - min(used, limit) } }

  var isSpent: Bool { lock.withLock { used >= limit } }

  /// Gives it another limit, unless more is used already.
  func setLimit(_ new: UInt64) -> Bool {
    lock.withLock {
      if used > new { return false }
      limit = new
      return true
    }
  }
}
