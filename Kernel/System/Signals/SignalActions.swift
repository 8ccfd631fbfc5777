import Core
import Machine

/// What a process does with each signal. Shared by processes that clone(2) makes with CLONE_SIGHAND.
///
/// Most programs change few actions: the table is made with the first, and a copy takes what differs from the
/// default alone.
final class SignalActions: @unchecked Sendable {
  /// Guards the rest. Taken inside of a process's signal lock.
  private var lock = InterruptLock()
  private var table: UnsafeMutablePointer<SignalAction>?
  /// The signals whose action stands in the table; the others have the default.
  private var changed: SignalSet = []

  init() {}

  deinit { if let table { KernelHeap.deallocate(table) } }

  @inline(__always)
  subscript(signal: Signal) -> SignalAction {
    lock.withLock { unlocked(signal) }
  }

  @inline(__always)
  private func unlocked(_ signal: Signal) -> SignalAction {
    changed.contains(signal) ? table.unsafelyUnwrapped[Int(signal.rawValue) &- 1] : .default
  }

  /// The action of a signal whose handler is about to run; a handler for one time is taken back (SA_RESETHAND).
  func takeAction(_ signal: Signal) -> SignalAction {
    lock.withLock {
      let action = unlocked(signal)
      if action.isHandler, action.flags.contains(.resetHandler) {
        table.unsafelyUnwrapped[Int(signal.rawValue) &- 1].handler = 0
      }
      return action
    }
  }

  /// Makes room for changes, outside of any lock. False when memory is out.
  func prepareToChange() -> Bool {
    if lock.withLock({ table != nil }) { return true }
    guard let memory = KernelHeap.allocate(size: 64 * MemoryLayout<SignalAction>.stride, alignment: 16) else {
      return false
    }
    let new = memory.bindMemory(to: SignalAction.self, capacity: 64)
    let isUsed = lock.withLock {
      if table != nil { return false }
      table = new
      return true
    }
    if !isUsed { KernelHeap.deallocate(memory) }
    return true
  }

  /// Changes an action, after `prepareToChange`.
  func set(_ signal: Signal, _ action: SignalAction) {
    lock.withLock {
      table.unsafelyUnwrapped[Int(signal.rawValue) &- 1] = action
      changed.insert(SignalSet(signal))
    }
  }

  /// Gives a signal its default action, as a fault that is blocked or ignored demands.
  func reset(_ signal: Signal) {
    lock.withLock { _ = changed.remove(SignalSet(signal)) }
  }

  /// The signals that are ignored and those that have a handler, as /proc/PID/status shows them.
  var summary: (ignored: SignalSet, caught: SignalSet) {
    lock.withLock {
      var ignored: SignalSet = []
      var caught: SignalSet = []
      changed.forEach { signal in
        let action = unlocked(signal)
        if action.isIgnore { ignored.insert(SignalSet(signal)) }
        if action.isHandler { caught.insert(SignalSet(signal)) }
      }
      return (ignored, caught)
    }
  }

  /// A table for a process that does not share this one; nil when memory is out.
  ///
  /// - Parameter keepsHandlers: false for a new program, which keeps what is ignored (execve(2)) and nothing else.
  func copy(keepsHandlers: Bool = true) -> SignalActions? {
    let copy = SignalActions()
    let set = keepsHandlers ? lock.withLock { changed } : summary.ignored
    if set.isEmpty { return copy }
    guard copy.prepareToChange() else { return nil }
    set.forEach { signal in
      let action = self[signal]
      copy.set(signal, keepsHandlers ? action : SignalAction(handler: action.handler))
    }
    return copy
  }
}
