import Core
import Machine

/// A thread that waits for an object to change, with what it waits for: on its own kernel stack. Under the object's lock.
struct WaitingThread<Details> {
  let thread = Scheduler.current
  /// Whether it is on a list; who takes it off has seen to it, and wakes the thread.
  fileprivate(set) var isListed = false
  fileprivate var next: UnsafeMutablePointer<WaitingThread<Details>>?
  fileprivate var previous: UnsafeMutablePointer<WaitingThread<Details>>?
  var details: Details

  init(_ details: Details) { self.details = details }
}

/// The threads that wait for one thing, in the order in which they came. Under the object's lock.
struct WaitingList<Details> {
  typealias Waiter = UnsafeMutablePointer<WaitingThread<Details>>

  private(set) var first: Waiter?
  private var last: Waiter?

  func next(after waiter: Waiter) -> Waiter? { waiter.pointee.next }

  mutating func append(_ waiter: Waiter) {
    waiter.pointee.previous = last
    waiter.pointee.next = nil
    if let last { last.pointee.next = waiter } else { first = waiter }
    last = waiter
    waiter.pointee.isListed = true
  }

  mutating func remove(_ waiter: Waiter) {
    let next = waiter.pointee.next
    let previous = waiter.pointee.previous
    if let previous { previous.pointee.next = next } else { first = next }
    if let next { next.pointee.previous = previous } else { last = previous }
    waiter.pointee.isListed = false
  }

  /// Takes a waiter off and wakes its thread. The thread cannot go on, and its record end, before the lock is free.
  mutating func wake(_ waiter: Waiter) {
    let thread = waiter.pointee.thread
    remove(waiter)
    Scheduler.wake(thread)
  }
}

extension InterProcessObject {
  enum WaitOutcome {
    case woken
    case timedOut
    /// By a signal.
    case interrupted
  }

  /// Lets the current thread, which is on a list, sleep until somebody takes it off. The lock is held, here and afterwards;
  /// unless it has been woken the thread is still on the list.
  ///
  /// - Parameter deadline: when to give up, in TSC ticks; nil for never.
  final func sleep<Details>(
    _ waiter: UnsafeMutablePointer<WaitingThread<Details>>, until deadline: UInt64? = nil
  ) -> WaitOutcome {
    let thread = waiter.pointee.thread
    if let deadline, readTimeStampCounter() >= deadline { return .timedOut }
    while true {
      // From here on a waker finds the thread; it may become runnable before it has been switched out.
      Interrupts.withDisabled { Sleep.markBlocked(thread, until: deadline) }
      lock.release()
      Scheduler.block()
      lock.acquire()
      let isTimedOut = deadline.map { readTimeStampCounter() >= $0 } ?? false
      let isInterrupted = thread.pointee.head.hasSignal != 0
      guard !waiter.pointee.isListed || isTimedOut || isInterrupted else { continue }
      Sleep.cancel(thread)
      return !waiter.pointee.isListed ? .woken : isTimedOut ? .timedOut : .interrupted
    }
  }
}
