import Core
import Machine

/// The word under the locks: 0 is free, 1 is held.
///
/// Not first come, first served: under a hypervisor or an emulator with fewer processors than CPUs, the one
/// whose turn it is would often not be running. Locks are held for some hundred instructions at most.
///
/// It must stay where it is and never be copied. It is copyable for the compiler alone: a global of a
/// noncopyable type is initialised on first use, behind a check at each access.
struct LockWord: Sendable {
  private var word = AtomicWord()

  init() {}

  @inline(__always)
  mutating func acquire() {
    if word.exchange(1) != 0 { wait() }
  }

  /// Takes the lock if it is free now.
  @inline(__always)
  mutating func tryAcquire() -> Bool { word.exchange(1) == 0 }

  /// Waits on a copy in this CPU's cache, so that the holder's writes are not held up.
  @inline(never)
  private mutating func wait() {
    repeat {
      while word.load() != 0 { spinHint() }
    } while word.exchange(1) != 0
  }

  @inline(__always)
  mutating func release() {
    word.store(0)
  }
}

/// A lock for what only threads touch: holding it keeps preemption off, interrupts stay enabled.
///
/// Never taken in an interrupt handler. Its holder may send a TLB shootdown and wait for the answers.
public struct SpinLock: Sendable {
  private var word = LockWord()

  public init() {}

  @inline(__always)
  public mutating func acquire() {
    check(cpuInterruptDepth() == 0, "SpinLock taken in an interrupt handler")
    Preemption.disable()
    word.acquire()
  }

  @inline(__always)
  public mutating func release() {
    word.release()
    Preemption.enable()
  }

  @inline(__always)
  public mutating func withLock<Result: ~Copyable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    acquire()
    defer { release() }
    return try body()
  }
}

/// A lock for what interrupt handlers touch too: holding it keeps this CPU's interrupts disabled.
///
/// Never held while waiting for another CPU's answer, or across anything that can fault or sleep.
public struct InterruptLock: Sendable {
  private var word = LockWord()

  public init() {}

  /// - Returns: whether interrupts were enabled; `release` takes it back.
  @inline(__always)
  public mutating func acquire() -> Bool {
    let wereEnabled = Interrupts.disable()
    word.acquire()
    return wereEnabled
  }

  @inline(__always)
  public mutating func release(_ wereEnabled: Bool) {
    word.release()
    Interrupts.restore(wereEnabled)
  }

  /// For a caller that has disabled interrupts already.
  @inline(__always)
  mutating func acquireWithInterruptsDisabled() {
    check(!Interrupts.areEnabled, "InterruptLock needs interrupts disabled here")
    word.acquire()
  }

  /// The counterpart: interrupts stay disabled.
  @inline(__always)
  mutating func releaseWithInterruptsDisabled() {
    word.release()
  }

  @inline(__always)
  public mutating func withLock<Result: ~Copyable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let wereEnabled = acquire()
    defer { release(wereEnabled) }
    return try body()
  }
}
