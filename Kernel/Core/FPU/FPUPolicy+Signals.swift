/// The rows of the contract for signal handlers: a frame in user memory holds a thread's state while the handler
/// runs on one of its own.
extension FPUPolicy {
  /// The current thread's registers are about to be saved to a signal frame: has them hold its state.
  ///
  /// Interrupts stay disabled until they are saved and `startHandler` has run, or until the frame is given up.
  public func loadForFrame(_ thread: Thread) -> FPULoadOutcome {
    if machine.state(of: thread).pointee.isLive { return .skipped }
    machine.trapsOnUse = false
    machine.cancelLoadOnReturn(thread)
    return load(thread)
  }

  /// The frame holds the current thread's state: its handler begins with the initial one.
  ///
  /// The thread is live, and stays the owner: what the registers hold is its state, newer than its area.
  ///
  /// - Parameter protectionKeyRights: PKRU for the handler; nil where the frame does not show PKRU, so that nothing
  ///   would bring back what the thread had.
  public func startHandler(_ thread: Thread, protectionKeyRights: UInt32?) {
    machine.loadInitialState()
    count(.initialStateLoad, machine.state(of: thread))
    if machine.hasProtectionKeys, let protectionKeyRights { machine.protectionKeyRights = protectionKeyRights }
  }

  /// The current thread returns from its handler: its state comes straight from the frame in user memory.
  ///
  /// The frame is not trusted, and never copied into an area: the instruction itself checks what it loads. One that
  /// faults, half way or not, leaves the thread with the initial state, from which the caller may try again.
  ///
  /// - Parameters:
  ///   - isWhole: whether the instruction loads every component. The others become initial.
  ///   - protectionKeyRights: PKRU where the frame cannot be loaded.
  ///   - restore: executes the instruction. False when it faulted: then the registers hold anything.
  public func loadFrame(
    _ thread: Thread, isWhole: Bool, protectionKeyRights: UInt32, restore: () -> Bool
  ) -> FPULoadOutcome {
    let state = machine.state(of: thread)
    machine.trapsOnUse = false
    machine.cancelLoadOnReturn(thread)
    // Before the instruction: whatever it does, the registers are no longer the old owner's.
    machine.owner = thread
    state.pointee.lastCPU = machine.currentCPU
    state.pointee.isLive = true
    count(.load, state)
    if !isWhole {
      machine.loadInitialState()
      count(.initialStateLoad, state)
    }
    if restore() {
      count(.restore, state)
      return .restored
    }
    count(.restoreFailed, state)
    count(.initialStateLoad, state)
    machine.resetArea(of: thread)
    machine.loadInitialState()
    if machine.hasProtectionKeys { machine.protectionKeyRights = protectionKeyRights }
    return .faulted
  }
}
