import Core
import Machine

/// The items of an epoll instance that may be ready, and who waits for them. The items refer to it, so that a file
/// may signal one whose instance is ending.
final class EpollQueue: @unchecked Sendable {
  /// Guards the list, and the instance's items. Taken inside the lock of a file's watchers; nothing is locked inside.
  var lock = InterruptLock()
  private var first: EpollItem?
  private var last: EpollItem?
  private(set) var count = 0
  let readiness = Readiness()

  /// A file tells that something has changed. With the lock of its watchers held, or none.
  ///
  /// - Returns: whether somebody hears of it.
  func signal(_ item: EpollItem) -> Bool {
    let isNew = lock.withLock {
      if item.isReady || item.isRemoved || item.wanted.pollEvents.isEmpty { return false }
      append(item)
      return true
    }
    let woken = readiness.queue.wake(limit: 1)
    if isNew { readiness.watchers.notify([.input, .inputNormal]) }
    return !item.isExclusive || woken > 0
  }

  /// The lock is held.
  private func append(_ item: EpollItem) {
    item.isReady = true
    item.nextReady = nil
    if let last { last.nextReady = item } else { first = item }
    last = item
    count += 1
  }

  /// Takes the first item that has not been removed; those that have been are dropped.
  func takeFirst() -> EpollItem? {
    lock.withLock {
      guard let item = first else { return nil }
      first = item.nextReady
      if first == nil { last = nil }
      item.nextReady = nil
      item.isReady = false
      count -= 1
      return item
    }
  }

  /// Puts an item back that was taken, unless it has come back by itself.
  func putBack(_ item: EpollItem) {
    lock.withLock {
      if !item.isReady, !item.isRemoved { append(item) }
    }
  }

  /// Forgets all: the instance has ended.
  func removeAll() {
    while takeFirst() != nil {}
  }
}
