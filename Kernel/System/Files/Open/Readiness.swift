import Core
import Machine

/// Who is to hear when an open file may have become ready: threads that wait in a call, and watchers.
///
/// Whoever changes what `OpenFile.poll` says, or what a reader or writer waits for, makes the change first and
/// then calls `notify`.
final class Readiness: @unchecked Sendable {
  /// For threads that block in read, write, accept and the like.
  let queue = WaitQueue()
  private var lock = InterruptLock()
  private var firstWatcher: ReadinessWatcher?

  /// In any context.
  func notify() {
    queue.wake()
    lock.withLock {
      var next = firstWatcher
      while let watcher = next {
        watcher.signal()
        next = watcher.nextWatcher
      }
    }
  }

  /// Has a watcher hear of every change from now on. It may then look at `poll`, so that none is lost.
  func add(_ watcher: ReadinessWatcher) {
    lock.withLock {
      watcher.nextWatcher = firstWatcher
      firstWatcher = watcher
    }
  }

  /// From the return on the watcher is not signalled any more.
  func remove(_ watcher: ReadinessWatcher) {
    // The reference that the list held is dropped with the lock released.
    var removed: ReadinessWatcher?
    lock.withLock {
      var previous: ReadinessWatcher?
      var next = firstWatcher
      while let candidate = next {
        next = candidate.nextWatcher
        if candidate === watcher {
          removed = candidate
          if let previous { previous.nextWatcher = next } else { firstWatcher = next }
          return
        }
        previous = candidate
      }
    }
    removed?.nextWatcher = nil
    withExtendedLifetime(removed) {}
  }
}

/// Somebody who watches files: a thread in poll(2), an item of an epoll instance. On one `Readiness` at most.
class ReadinessWatcher: @unchecked Sendable {
  /// The next on the same file, under the lock of its `Readiness`.
  fileprivate(set) var nextWatcher: ReadinessWatcher?

  init() {}

  /// Something may have changed. In any context, with a lock held: only wakes.
  func signal() {}
}
