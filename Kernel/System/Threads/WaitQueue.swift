import Core
import Machine

/// Threads that wait for something to become true.
///
/// The condition is looked at under the queue's lock, and whoever makes it true wakes the queue afterwards:
/// no wake-up is lost.
public final class WaitQueue: @unchecked Sendable {
  private var lock = InterruptLock()
  private var waiters = WaitList()

  public enum Outcome: Sendable {
    case satisfied
    case timedOut
    /// The thread is to end or has a signal.
    case interrupted
  }

  public init() {}

  /// Waits until `condition` holds. The caller holds no lock.
  ///
  /// - Parameters:
  ///   - deadline: when to give up, in TSC ticks; nil for never.
  ///   - isInterruptible: whether a signal ends the wait.
  ///   - condition: is called with the queue's lock held and interrupts disabled.
  public func wait(
    until deadline: UInt64? = nil, isInterruptible: Bool = true, _ condition: () -> Bool
  ) -> Outcome {
    let thread = Scheduler.current
    while true {
      let wereEnabled = lock.acquire()
      let isSatisfied = condition()
      let isTimedOut = deadline.map { readTimeStampCounter() >= $0 } ?? false
      let isInterrupted = isInterruptible && thread.pointee.head.hasSignal != 0
      if isSatisfied || isTimedOut || isInterrupted {
        if thread.pointee.isOnWaitQueue { waiters.remove(thread) }
        lock.release(wereEnabled)
        Sleep.cancel(thread)
        return isSatisfied ? .satisfied : isTimedOut ? .timedOut : .interrupted
      }
      if !thread.pointee.isOnWaitQueue { waiters.append(thread) }
      // From here on a waker finds the thread; it may become runnable before it has been switched out.
      Sleep.markBlocked(thread, until: deadline, isInterruptible: isInterruptible)
      lock.release(wereEnabled)
      Scheduler.block()
    }
  }

  /// Waits until `condition` holds or the thread is to end, whatever other signals come. The caller holds no lock.
  ///
  /// - Parameter condition: is called with the queue's lock held and interrupts disabled.
  /// - Returns: whether the condition holds.
  func waitUnlessKilled(_ condition: () -> Bool) -> Bool {
    let thread = Scheduler.current
    while true {
      let wereEnabled = lock.acquire()
      let isSatisfied = condition()
      if isSatisfied || thread.isBeingKilled {
        if thread.pointee.isOnWaitQueue { waiters.remove(thread) }
        lock.release(wereEnabled)
        return isSatisfied
      }
      if !thread.pointee.isOnWaitQueue { waiters.append(thread) }
      Sleep.markBlocked(thread, until: nil, isInterruptible: false)
      // Who has sent the end before the mark has woken nobody.
      if thread.isBeingKilled { Scheduler.wake(thread) }
      lock.release(wereEnabled)
      Scheduler.block()
    }
  }

  /// Wakes up to `limit` threads, in the order in which they came. In any context.
  ///
  /// - Returns: how many.
  @discardableResult
  public func wake(limit: Int = .max) -> Int {
    lock.withLock {
      var woken = 0
      while woken < limit, let thread = waiters.first {
        waiters.remove(thread)
        Scheduler.wake(thread)
        woken += 1
      }
      return woken
    }
  }
}
