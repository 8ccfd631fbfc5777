import Core
import Machine

extension InterProcessObject {
  enum WaitOutcome {
    case woken
    case timedOut
    /// By a signal.
    case interrupted
  }

  /// Lets the current thread, which is on a list, sleep until somebody takes it off. The lock is held, here and
  /// afterwards; unless it has been woken the thread is still on the list.
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
