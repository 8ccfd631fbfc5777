/// The rows of the contract in which a thread's state begins, ends or is replaced.
extension FPUPolicy {
  /// The child of the current thread gets what the parent's registers hold now, not the older copy in
  /// memory. The child has not run yet.
  public func fork(from parent: Thread, to child: Thread) {
    let childState = machine.state(of: child)
    saveLiveRegisters(of: parent)
    if machine.hasProtectionKeys { childState.pointee.protectionKeyRights = machine.protectionKeyRights }
    machine.copyArea(from: parent, to: child)
    childState.pointee.lastCPU = FPUThreadState.noCPU
  }

  /// Brings the current thread's area up to date, for whoever is about to read it. The registers stay live.
  public func saveLiveRegisters(of thread: Thread) {
    let state = machine.state(of: thread)
    if !state.pointee.isLive { return }
    machine.save(thread)
    count(.save, state)
  }

  /// The current thread starts a new program: initial state, ownership dropped.
  ///
  /// - Parameter protectionKeyRights: PKRU for the new program.
  public func startProgram(_ thread: Thread, protectionKeyRights: UInt32) {
    let state = machine.state(of: thread)
    machine.resetArea(of: thread)
    count(.initialStateLoad, state)
    if machine.hasProtectionKeys { machine.protectionKeyRights = protectionKeyRights }
    state.pointee.consecutiveSlices = 0
    invalidate(thread)
  }

  /// The thread ends. Afterwards no CPU's owner refers to it, so that its record can be used anew.
  ///
  /// Called when the thread runs nowhere any more.
  public func exit(_ thread: Thread) {
    machine.removeFromAllOwners(thread)
  }

  /// A thread's area is about to be written from outside: by a debugger while it is stopped, or by its own
  /// return from a signal handler. The new contents have been validated.
  ///
  /// Called before the first byte is written: if the write fails half way, the mixture is nobody's
  /// registers. Interrupts stay disabled until the last byte is: a switch in between would load a mixture, and
  /// take the registers for the new contents from then on.
  public func invalidate(_ thread: Thread) {
    machine.state(of: thread).pointee.lastCPU = FPUThreadState.noCPU
    if machine.currentThread == thread {
      dropOwner()
      arrangeLoad(thread)
    }
  }

  /// This CPU gives up its owner with nothing lost: before the strategy or the save instruction changes,
  /// and before the CPU goes offline.
  public func giveUpOwner() {
    let thread = machine.currentThread
    let state = machine.state(of: thread)
    if !state.pointee.isKernelThread, state.pointee.isLive {
      machine.save(thread)
      count(.save, state)
      state.pointee.isLive = false
    }
    dropOwner()
    machine.trapsOnUse = false
  }

  /// The counterpart of `giveUpOwner`, under the new strategy.
  public func resumeAfterChange() {
    // The change may have interrupted a kernel section: its end arranges the load, under the new strategy.
    if machine.isKernelSectionOpen { return }
    let thread = machine.currentThread
    if machine.state(of: thread).pointee.isKernelThread { return }
    arrangeLoad(thread)
  }
}
