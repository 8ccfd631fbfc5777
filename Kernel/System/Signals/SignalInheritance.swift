import Core
import Machine

/// What becomes of signals in a new thread, process or program (clone(2), execve(2)).
extension SystemCalls {
  /// The actions of a new process.
  ///
  /// - Parameter keepsHandlers: otherwise what is caught has its default action there (CLONE_CLEAR_SIGHAND).
  static func signalActions(
    of parent: Process, isShared: Bool, keepsHandlers: Bool = true
  ) throws(Errno) -> SignalActions {
    if isShared { return parent.signals.actions }
    guard let actions = parent.signals.actions.copy(keepsHandlers: keepsHandlers) else { throw .outOfMemory }
    return actions
  }

  /// A new thread has its creator's mask, and none of what is pending. A vfork's child, and a process with
  /// memory of its own, keep the alternate stack.
  static func inheritSignals(
    _ child: ThreadPointer, from parent: ThreadPointer, isVfork: Bool, isInNewMemory: Bool
  ) {
    child.pointee.signals.blocked = parent.pointee.signals.blocked
    child.pointee.signals.alternateStack =
      isVfork || isInNewMemory ? parent.pointee.signals.alternateStack : .none
  }

  /// The current thread, the only one of its process, begins a new program: what was caught has its default
  /// action, what is ignored, blocked or pending stays.
  ///
  /// - Parameter actions: the new program's.
  static func startProgramSignals(_ process: Process, _ thread: ThreadPointer, _ actions: SignalActions) {
    let old = process.signals.actions
    process.replaceSignalActions(actions)
    // Not under the lock: the last to share the old table frees it here.
    withExtendedLifetime(old) {}
    process.timers?.deletePosixTimers()
    thread.pointee.signals.alternateStack = thread.pointee.signals.alternateStack.afterExec
    thread.pointee.signals.restart = .none
    process.hasExecuted = true
    process.executionCount &+= 1
    process.exitSignal = Signal.child.rawValue
  }
}
