import Core
import Machine

/// The watchers of one file, for files that see to their waiting threads themselves; others have a `Readiness`.
final class WatcherList: @unchecked Sendable {
  /// Guards the links. Inside it watchers take the lock of what they belong to, and wake.
  private var lock = InterruptLock()
  private var first: ReadinessWatcher?
  private var last: ReadinessWatcher?

  /// Tells the watchers. In any context; the caller has made its change under a lock that `poll` takes too, or
  /// has taken some other lock since, so that either this sees a watcher or the watcher sees the change.
  @inline(__always)
  func notify(_ events: PollEvents) {
    if first != nil { notifyEach(events) }
  }

  @inline(never)
  private func notifyEach(_ events: PollEvents) {
    lock.withLock {
      var next = first
      var hasSpentExclusive = false
      while let watcher = next {
        next = watcher.nextWatcher
        guard !watcher.events.isDisjoint(with: events) else { continue }
        // An end is for all to hear of.
        if watcher.isExclusive, hasSpentExclusive, events.isDisjoint(with: [.hangUp, .error]) { continue }
        if watcher.signal(events), watcher.isExclusive { hasSpentExclusive = true }
      }
    }
  }

  /// Has a watcher hear of every change from now on. It may then look at `poll`, so that none is lost.
  func add(_ watcher: ReadinessWatcher) {
    lock.withLock {
      watcher.previousWatcher = last
      if let last { last.nextWatcher = watcher } else { first = watcher }
      last = watcher
    }
  }

  /// From the return on the watcher is not signalled any more.
  func remove(_ watcher: ReadinessWatcher) {
    // The reference that the list held is dropped with the lock released, by the caller's.
    lock.withLock {
      let next = watcher.nextWatcher
      let previous = watcher.previousWatcher
      guard previous != nil || first === watcher else { return }
      if let previous { previous.nextWatcher = next } else { first = next }
      if let next { next.previousWatcher = previous } else { last = previous }
      watcher.nextWatcher = nil
      watcher.previousWatcher = nil
    }
  }
}

/// Somebody who watches files: a call of poll(2), an item of an epoll instance. On one list at most.
class ReadinessWatcher: @unchecked Sendable {
  /// The neighbours on the same file, under the lock of its list.
  fileprivate(set) var nextWatcher: ReadinessWatcher?
  fileprivate(set) unowned(unsafe) var previousWatcher: ReadinessWatcher?
  /// What it wants to hear of. Changed only while it is on no list, or where missing a change is made up for.
  final var events: PollEvents
  /// Of several exclusive watchers of a file one is told at a time (EPOLLEXCLUSIVE).
  final var isExclusive = false

  init(events: PollEvents = .all) {
    self.events = events
  }

  /// Something may have changed. In any context, with a lock held: only wakes.
  ///
  /// - Returns: whether somebody will look at the file on account of it.
  func signal(_ events: PollEvents) -> Bool { false }
}
