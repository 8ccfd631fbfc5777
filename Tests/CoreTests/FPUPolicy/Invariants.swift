import Core

/// What must hold in every world.
extension World {
  func violation(hasProtectionKeys: Bool) -> Violation {
    for cpu in 0..<World.cpus {
      let found = violation(of: cpu, hasProtectionKeys)
      if found != .none { return found }
    }
    for thread in 0..<World.threads
    where self[thread: thread, .isAlive] == 1 && cpu(running: thread) == nil {
      let area = self[thread: thread, .area]
      if area != Contents.garbage, area != Contents.current(thread) { return .stateLost }
      if hasProtectionKeys, self[thread: thread, .savedRights] == 0 { return .rightsLost }
    }
    return .none
  }

  private func violation(of cpu: Int, _ hasProtectionKeys: Bool) -> Violation {
    let owner = self[cpu: cpu, .owner]
    let registers = self[cpu: cpu, .registers]
    let mode = self[cpu: cpu, .mode]
    let current = self[cpu: cpu, .current]
    let traps = self[cpu: cpu, .trapsOnUse] == 1
    if mode == Mode.user, !traps, registers != Contents.current(current) { return .runsOnForeignRegisters }
    if mode == Mode.kernelSection {
      if traps { return .instructionTrapsInKernel }
      if registers != Contents.initial, registers != Contents.kernelData { return .foreignStateInSection }
    } else if registers == Contents.kernelData {
      return .kernelDataOutsideSection
    }
    if owner != World.nobody {
      if self[thread: owner, .isAlive] == 0 { return .ownerIsDead }
      if self[thread: owner, .lastCPU] == cpu + 1, registers != Contents.current(owner) {
        return .ownerWithoutItsState
      }
      if mode == Mode.kernelSection { return .ownerInSection }
    }
    if current != World.nobody, mode != Mode.offline {
      let found = violation(of: current, on: cpu, hasProtectionKeys)
      if found != .none { return found }
      if mode == Mode.user {
        if self[thread: current, .loadOnReturn] == 1 { return .loadStillRequestedInUserMode }
        if traps {
          if strategy != .lazy { return .trapWithoutLazyStrategy }
          if owner == current, self[thread: current, .lastCPU] == cpu + 1 { return .needlessTrap }
        }
      }
    }
    let isOpen = mode == Mode.kernelSection ? 1 : 0
    return self[cpu: cpu, .sectionFlag] == isOpen ? .none : .sectionFlagWrong
  }

  /// What must hold for the user thread that a CPU runs, in whatever mode.
  private func violation(of thread: Int, on cpu: Int, _ hasProtectionKeys: Bool) -> Violation {
    if self[thread: thread, .isLive] == 1 {
      if self[cpu: cpu, .registers] != Contents.current(thread) { return .liveWithoutItsState }
      if self[cpu: cpu, .owner] != thread || self[thread: thread, .lastCPU] != cpu + 1 {
        return .liveWithoutOwnership
      }
    } else {
      let area = self[thread: thread, .area]
      if area != Contents.garbage, area != Contents.current(thread) { return .stateLost }
    }
    if hasProtectionKeys, self[cpu: cpu, .rights] != thread { return .runsOnForeignRights }
    return .none
  }
}

/// What must hold of an event beyond the world that it leaves.
extension Simulation {
  func checkEvent(_ kind: EventKind, _ event: Event) {
    if let faulted {
      if !faultReported { report(.faultNotReported) }
      let cpu = event.cpu
      if world[thread: faulted, .area] != Contents.initial
        || world[cpu: cpu, .registers] != Contents.initial
      {
        report(.noInitialStateAfterFault)
      }
      // From here on the initial state counts as the thread's own, so that a mix-up is noticed.
      if world[thread: faulted, .area] == Contents.initial {
        world[thread: faulted, .area] = Contents.current(faulted)
      }
      if world[cpu: cpu, .registers] == Contents.initial {
        world[cpu: cpu, .registers] = Contents.current(faulted)
      }
    } else if faultReported {
      report(.swallowedFault)
    }
    for cpu in 0..<World.cpus {
      let owner = world[cpu: cpu, .owner]
      if owner != World.nobody, owner != before[cpu: cpu, .owner], world[thread: owner, .lastCPU] != cpu + 1 {
        report(.ownedWithoutRestore)
      }
    }
    for thread in 0..<World.threads {
      let lastCPU = world[thread: thread, .lastCPU]
      if lastCPU != 0, lastCPU != before[thread: thread, .lastCPU],
        world[cpu: lastCPU - 1, .owner] != thread
      {
        report(.ownedWithoutRestore)
      }
    }
    switch kind {
    case .switchToUserThread:
      checkSlices(event)
      checkSwitch(event)
    case .switchToKernelThread:
      checkSlices(event)
      if world[cpu: event.cpu, .owner] != before[cpu: event.cpu, .owner] { report(.ownerLostInSwitch) }
    case .openSection, .openSectionInInterrupt:
      if world[cpu: event.cpu, .registers] != Contents.initial { report(.foreignStateInSection) }
    case .startProgram:
      let thread = before[cpu: event.cpu, .current]
      if world[thread: thread, .lastCPU] != 0 || world[cpu: event.cpu, .owner] == thread {
        report(.programKeepsOwner)
      }
      if records[thread].consecutiveSlices != 0 { report(.slicesMiscounted) }
    case .goOffline:
      if world[cpu: event.cpu, .owner] != World.nobody { report(.programKeepsOwner) }
    default: break
    }
    checkCounters(kind)
  }

  private func checkSlices(_ event: Event) {
    let previous = before[cpu: event.cpu, .current]
    if previous == World.nobody { return }
    let expected = before[thread: previous, .isLive] == 1 ? slicesBefore &+ 1 : 0
    if records[previous].consecutiveSlices != expected { report(.slicesMiscounted) }
  }

  /// What each strategy promises of a switch.
  private func checkSwitch(_ event: Event) {
    let cpu = event.cpu
    let next = event.argument
    let isLive = world[thread: next, .isLive] == 1
    let restored = calls[Int(Operation.restore.rawValue)] > 0
    if !restored, world[cpu: cpu, .owner] != before[cpu: cpu, .owner] { report(.ownerLostInSwitch) }
    switch world.strategy {
    case .deferred: if restored { report(.loadedInKernel) }
    case .eager: if !isLive { report(.notLoadedInSwitch) }
    case .lazy:
      let often = before[thread: next, .usesOften] == 1
      let held = before[cpu: cpu, .owner] == next && before[thread: next, .lastCPU] == cpu + 1
      if often || held {
        if !isLive || world[cpu: cpu, .trapsOnUse] == 1 { report(.notLoadedAhead) }
      } else if restored {
        report(.loadedInKernel)
      }
    }
  }

  /// What was counted against what the machine was asked to do.
  private func checkCounters(_ kind: EventKind) {
    let restores = counted[FPUEvent.restore.rawValue]
    let failed = counted[FPUEvent.restoreFailed.rawValue]
    let skipped = counted[FPUEvent.restoreSkipped.rawValue]
    let initialStates = max(
      calls[Int(Operation.resetArea.rawValue)], calls[Int(Operation.loadInitialState.rawValue)])
    let opens = kind == .openSection || kind == .openSectionInInterrupt
    let agrees =
      counted[FPUEvent.save.rawValue] == calls[Int(Operation.save.rawValue)]
      && restores + failed == calls[Int(Operation.restore.rawValue)]
      && failed == (faulted == nil ? 0 : 1)
      && counted[FPUEvent.load.rawValue] == restores + failed + skipped
      && counted[FPUEvent.notAvailableTrap.rawValue] == (kind == .deviceNotAvailable ? 1 : 0)
      && counted[FPUEvent.initialStateLoad.rawValue] == initialStates
      && counted[FPUEvent.kernelSection.rawValue] == (opens ? 1 : 0)
    if !agrees { report(.countersDisagree) }
  }
}
