import Core
import Machine

/// A thread that waits for a word. Each has one of its own, and makes others while it waits for several words
/// (`Futexes.wait(forAnyOf:)`).
struct FutexWaiter: FutexQueued {
  var futexLinks = FutexLinks()
  /// Constant once the waiter is on a queue.
  var thread: ThreadPointer?
  /// The frame that its key names since a requeue has changed it, with a reference; 0 for none. Under the lock of the
  /// queue that it is on.
  var frame: PhysicalAddress = 0

  init(thread: ThreadPointer? = nil) { self.thread = thread }
}

typealias FutexWaiterPointer = UnsafeMutablePointer<FutexWaiter>

extension UnsafeMutablePointer where Pointee == FutexWaiter {
  @inline(__always)
  var thread: ThreadPointer { pointee.thread.unsafelyUnwrapped }
}

extension UnsafeMutablePointer where Pointee == Thread {
  /// The thread's own waiter.
  @inline(__always)
  var futexWaiter: FutexWaiterPointer {
    // SAFETY: it lies in the thread's record, which does not move.
    withUnsafeMutablePointer(to: &pointee.futexWaiter) { $0 }
  }
}
