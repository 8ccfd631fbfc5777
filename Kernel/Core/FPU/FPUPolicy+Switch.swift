/// The rows of the contract that belong to the context switch and to the way back to user mode.
extension FPUPolicy {
  /// The current thread is about to be switched out.
  ///
  /// Saves only where the registers are newer than the area. The owner stays, so that the thread finds its
  /// registers in place if nobody else has used them when it comes back.
  @inline(__always)
  public func switchOut(_ thread: Thread) {
    let state = machine.state(of: thread)
    guard _fastPath(state.pointee.isLive) else {
      // A kernel thread's registers never are.
      if state.pointee.isKernelThread { return }
      if machine.hasProtectionKeys { state.pointee.protectionKeyRights = machine.protectionKeyRights }
      state.pointee.consecutiveSlices = 0
      return
    }
    if machine.hasProtectionKeys { state.pointee.protectionKeyRights = machine.protectionKeyRights }
    machine.save(thread)
    count(.save, state)
    state.pointee.consecutiveSlices &+= 1
  }

  /// The thread is about to become the current one of this CPU; `switchOut` has run for the one before.
  ///
  /// Returns `faulted` where the state was loaded here and could not be.
  @inline(__always)
  public func switchIn(_ thread: Thread) -> FPULoadOutcome {
    let state = machine.state(of: thread)
    if state.pointee.isKernelThread { return .skipped }
    guard strategy == .deferred else { return switchInAtOnce(thread) }
    arrangeLoadOnReturn(thread)
    machine.switchProtectionKeyRights(to: state.pointee.protectionKeyRights)
    return .skipped
  }

  /// The other strategies, kept apart so that the default costs one comparison.
  @inline(never)
  private func switchInAtOnce(_ thread: Thread) -> FPULoadOutcome {
    let state = machine.state(of: thread)
    machine.switchProtectionKeyRights(to: state.pointee.protectionKeyRights)
    if strategy == .eager { return load(thread) }
    if registersHold(thread) || state.pointee.consecutiveSlices > Self.slicesBeforeLoadAhead {
      machine.trapsOnUse = false
      return load(thread)
    }
    arrangeLoad(thread)
    return .skipped
  }

  /// The current thread is about to return to user mode and a load was requested for it.
  @inline(__always)
  public func returnToUserMode(_ thread: Thread) -> FPULoadOutcome {
    machine.cancelLoadOnReturn(thread)
    return load(thread)
  }

  /// The current thread executed an FPU instruction in user mode while CR0.TS was set (#NM).
  ///
  /// Returns nil where the policy knows no reason for the trap: the fault is then the thread's own.
  public func deviceNotAvailable(_ thread: Thread) -> FPULoadOutcome? {
    guard strategy == .lazy, machine.trapsOnUse else { return nil }
    machine.trapsOnUse = false
    count(.notAvailableTrap, machine.state(of: thread))
    return load(thread)
  }
}
