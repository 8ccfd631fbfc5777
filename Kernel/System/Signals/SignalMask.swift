import Core
import Machine

/// The signals that a thread has blocked.
enum SignalMask {
  /// Changes the current thread's mask. What has waited for it is seen to before its next instruction; what it has
  /// been told of for its process, and blocks now, another thread is told of.
  static func set(_ mask: SignalSet, of thread: ThreadPointer) {
    guard let process = thread.pointee.process else { return }
    set(mask, of: thread, process)
  }

  /// As above where the caller refers to the thread's process.
  @inline(__always)
  static func set(_ mask: SignalSet, of thread: ThreadPointer, _ process: Process) {
    let new = mask.subtracting(.unblockable)
    process.signalLock.withLock {
      let pending = thread.pointee.signals.pending.signals.union(process.signals.pending.signals)
      if !pending.isEmpty { prepare(for: new, pending, thread, process) }
      thread.pointee.signals.blocked = new
    }
  }

  /// As above, of what is pending. The signal lock is held.
  @inline(never)
  private static func prepare(
    for new: SignalSet, _ pending: SignalSet, _ thread: ThreadPointer, _ process: Process
  ) {
    if !pending.isSubset(of: new) { thread.pointee.head.hasSignal = 1 }
    Signals.retarget(new.subtracting(thread.pointee.signals.blocked), from: thread, process)
  }

  /// Changes it for the duration of a call (sigsuspend(2), ppoll(2), pselect(2)): the old one comes back once the
  /// call is over and a handler that has ended it has run.
  static func setForCall(_ mask: SignalSet, of thread: ThreadPointer) {
    thread.pointee.signals.savedMask = thread.pointee.signals.blocked
    set(mask, of: thread)
  }

  /// Ends what `setForCall` began, where the call was not interrupted.
  static func endCall(of thread: ThreadPointer) {
    guard let mask = thread.pointee.signals.savedMask else { return }
    thread.pointee.signals.savedMask = nil
    set(mask, of: thread)
  }
}
