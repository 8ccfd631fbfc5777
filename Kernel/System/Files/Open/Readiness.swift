import Core
import Machine

/// Who is to hear when an open file may have become ready: threads that wait in a call, and watchers.
///
/// Whoever changes what `OpenFile.poll` says, or what a reader or writer waits for, makes the change first and
/// then calls `notify`.
final class Readiness: @unchecked Sendable {
  /// For threads that block in read, write, accept and the like.
  let queue = WaitQueue()
  let watchers = WatcherList()

  /// Wakes the threads that wait, and tells the watchers. In any context.
  ///
  /// - Parameter events: what may have begun to be true: watchers of nothing of it hear nothing.
  func notify(_ events: PollEvents = .all) {
    // The queue's lock is also the barrier between the change and the look for watchers.
    queue.wake()
    watchers.notify(events)
  }

  /// Has a watcher hear of every change from now on. It may then look at `poll`, so that none is lost.
  func add(_ watcher: ReadinessWatcher) { watchers.add(watcher) }

  /// From the return on the watcher is not signalled any more.
  func remove(_ watcher: ReadinessWatcher) { watchers.remove(watcher) }
}
