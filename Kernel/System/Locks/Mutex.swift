import Core
import Machine

/// A lock whose holder may sleep, fault and touch user memory: who finds it held sleeps until it is free.
///
/// Only threads take it, with no spin lock held. Fairness is not promised: a thread that comes just as the lock
/// is released may be faster than the one that is woken for it.
public final class Mutex: @unchecked Sendable {
  private enum State {
    static var free: UInt32 { 0 }
    static var held: UInt32 { 1 }
    /// Held, and somebody may be waiting.
    static var contended: UInt32 { 2 }
  }

  private var state = AtomicWord()
  private let waiters = WaitQueue()

  public init() {}

  /// Waits as long as it takes: a signal does not end the wait.
  @inline(__always)
  public func acquire() {
    check(cpuPreemptionDisabled() == 0, "a Mutex taken while a spin lock is held")
    if !state.replace(State.free, with: State.held) { wait() }
  }

  @inline(never)
  private func wait() {
    // Who was waiting once cannot know whether others still are. A holder that releases after the exchange
    // finds `contended`, and its `wake` waits for the queue's lock, which is held while this looks.
    _ = waiters.wait(isInterruptible: false) { state.exchange(State.contended) == State.free }
  }

  /// Takes the lock if it is free now.
  @inline(__always)
  public func tryAcquire() -> Bool { state.replace(State.free, with: State.held) }

  @inline(__always)
  public func release() {
    if state.exchange(State.free) == State.contended { waiters.wake(limit: 1) }
  }

  @inline(__always)
  public func withLock<Result: ~Copyable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    acquire()
    defer { release() }
    return try body()
  }
}
