import Core

/// What the kernel around the policy does in each event.
extension Simulation {
  func step(_ kind: EventKind, _ event: Event) {
    let cpu = event.cpu
    let current = world[cpu: cpu, .current]
    switch kind {
    case .switchToUserThread, .switchToKernelThread: switchThread(event, kind)

    case .returnToUserMode:
      if world[thread: current, .loadOnReturn] == 1 {
        note(policy(on: cpu).returnToUserMode(current))
      }
      world[cpu: cpu, .mode] = Mode.user

    case .enterKernel: world[cpu: cpu, .mode] = Mode.kernel

    case .compute:
      world.makeStale(current)
      world[cpu: cpu, .registers] = Contents.current(current)

    case .deviceNotAvailable:
      // Nil would be the thread's death for a trap that the policy arranged.
      if let outcome = policy(on: cpu).deviceNotAvailable(current) {
        note(outcome)
      } else {
        report(.trapWithoutLazyStrategy)
      }
      world[cpu: cpu, .mode] = Mode.kernel

    case .ownDeviceFault:
      if policy(on: cpu).deviceNotAvailable(current) != nil { report(.swallowedFault) }
      world[cpu: cpu, .mode] = Mode.kernel

    case .writeRights:
      world.makeRightsStale(current)
      world[cpu: cpu, .rights] = current
      records[current].protectionKeyRights = UInt32(World.nobody)

    case .openSection, .openSectionInInterrupt:
      do throws(KernelSectionRefusal) { try policy(on: cpu).beginKernelSection() } catch {
        report(.sectionFlagWrong)
      }
      world[cpu: cpu, .mode] = Mode.kernelSection

    case .openNestedSection:
      do throws(KernelSectionRefusal) {
        try policy(on: cpu).beginKernelSection()
        report(.nestedSectionAllowed)
      } catch {
        if world != before { report(.nestedSectionAllowed) }
      }

    case .computeInSection: world[cpu: cpu, .registers] = Contents.kernelData

    case .closeSection:
      policy(on: cpu).endKernelSection()
      world[cpu: cpu, .mode] = Mode.kernel

    case .fork: fork(parent: current, child: event.argument, on: cpu)

    case .create:
      begin(event.argument)
      world[thread: event.argument, .savedRights] = hasProtectionKeys ? 1 : 0

    case .startProgram:
      world.makeStale(current)
      if hasProtectionKeys { world.makeRightsStale(current) }
      records[current].protectionKeyRights = UInt32(World.nobody)
      policy(on: cpu).startProgram(current, protectionKeyRights: UInt32(current))
      if world[thread: current, .area] == Contents.initial {
        world[thread: current, .area] = Contents.current(current)
      } else {
        report(.programWithoutInitialState)
      }

    case .exit:
      policy(on: world[cpu: 0, .mode] == Mode.offline ? 1 : 0).exit(event.argument)
      end(event.argument)

    case .debuggerWrites:
      let debugger = world[cpu: 0, .mode] == Mode.kernel ? 0 : 1
      policy(on: debugger).invalidate(event.argument)
      writeArea(of: event.argument)
      if hasProtectionKeys {
        world.makeRightsStale(event.argument)
        records[event.argument].protectionKeyRights = UInt32(event.argument)
      }

    case .readState:
      policy(on: cpu).saveLiveRegisters(of: current)
      let area = world[thread: current, .area]
      if area != Contents.garbage, area != Contents.current(current) { report(.readsStaleState) }

    case .signalReturn:
      policy(on: cpu).invalidate(current)
      writeArea(of: current)

    case .signalReturnWritesGarbage:
      policy(on: cpu).invalidate(current)
      writeArea(of: current)
      world[thread: current, .area] = Contents.garbage

    case .beginHandler, .frameNotWritten: beginHandler(of: current, on: cpu, isWritten: kind == .beginHandler)

    case .loadFrame, .loadPartialFrame, .loadFrameFaults:
      world.makeStale(current)
      if hasProtectionKeys { world.makeRightsStale(current) }
      records[current].protectionKeyRights = UInt32(World.nobody)
      let policy = policy(on: cpu)
      note(
        policy.loadFrame(
          current, isWhole: kind != .loadPartialFrame, protectionKeyRights: UInt32(current)
        ) {
          // What the instruction leaves as it is has to be initial before.
          if kind == .loadPartialFrame, world[cpu: cpu, .registers] != Contents.initial {
            report(.foreignStateBesideFrame)
          }
          return policy.machine.restoreFrame(of: current, faults: kind == .loadFrameFaults)
        })

    case .corruptArea: world[thread: event.argument, .area] = Contents.garbage

    case .changeSaveInstruction: change(to: world.strategy)
    case .changeStrategy: change(to: FPUStrategy(rawValue: UInt8(event.argument))!)

    case .goOffline:
      policy(on: cpu).giveUpOwner()
      world[cpu: cpu, .mode] = Mode.offline
      world[cpu: cpu, .registers] = Contents.garbage
      world[cpu: cpu, .rights] = World.nobody

    case .comeOnline: world[cpu: cpu, .mode] = Mode.kernel
    }
  }

  /// A fault of a restore is to reach the caller, who sends SIGSEGV.
  private func note(_ outcome: FPULoadOutcome) {
    if outcome == .faulted { faultReported = true }
  }

  /// The frame shows what the registers hold, and the handler has the initial state.
  private func beginHandler(of thread: Int, on cpu: Int, isWritten: Bool) {
    let policy = policy(on: cpu)
    let outcome = policy.loadForFrame(thread)
    note(outcome)
    if outcome == .faulted { return }
    if world[cpu: cpu, .trapsOnUse] == 1 { report(.instructionTrapsInKernel) }
    if world[cpu: cpu, .registers] != Contents.current(thread) { report(.frameShowsWrongState) }
    guard isWritten else { return }
    world.makeStale(thread)
    if hasProtectionKeys { world.makeRightsStale(thread) }
    records[thread].protectionKeyRights = UInt32(World.nobody)
    policy.startHandler(thread, protectionKeyRights: UInt32(thread))
    if world[cpu: cpu, .registers] == Contents.initial {
      world[cpu: cpu, .registers] = Contents.current(thread)
    } else {
      report(.programWithoutInitialState)
    }
  }

  private func switchThread(_ event: Event, _ kind: EventKind) {
    let cpu = event.cpu
    let policy = policy(on: cpu)
    let previous = policy.machine.currentThread
    let next = kind == .switchToUserThread ? event.argument : World.nobody + cpu
    switch event.slices {
    case Slices.crossesThreshold: records[previous].consecutiveSlices = 5
    case Slices.wraps: records[previous].consecutiveSlices = 255
    default: break
    }
    slicesBefore = records[previous].consecutiveSlices
    if next < World.threads { records[next].isLive = !isLive(next, after: event) }
    policy.switchOut(previous)
    note(policy.switchIn(next))
    world[cpu: cpu, .current] = min(next, World.nobody)
  }

  /// Whether a thread is to be live after the switch to it.
  private func isLive(_ thread: Int, after event: Event) -> Bool {
    switch world.strategy {
    case .eager: true
    case .deferred: false
    case .lazy:
      world[thread: thread, .usesOften] == 1
        || world[cpu: event.cpu, .owner] == thread && world[thread: thread, .lastCPU] == event.cpu + 1
    }
  }

  private func fork(parent: Int, child: Int, on cpu: Int) {
    begin(child)
    world[thread: child, .area] = Contents.stale
    records[child].protectionKeyRights = UInt32(World.nobody)
    policy(on: cpu).fork(from: parent, to: child)
    let area = world[thread: child, .area]
    if area != Contents.current(parent), area != Contents.garbage { report(.forkCopiedWrongState) }
    // From here on the child's state counts as its own, so that a later mix-up of the two is noticed.
    if area != Contents.garbage { world[thread: child, .area] = Contents.current(child) }
    if hasProtectionKeys {
      if records[child].protectionKeyRights != UInt32(parent) { report(.forkCopiedWrongRights) }
      records[child].protectionKeyRights = UInt32(child)
    }
    if records[child].lastCPU != FPUThreadState.noCPU { report(.lastCPUInherited) }
  }

  /// A record is taken into use for a new thread.
  private func begin(_ thread: Int) {
    world[thread: thread, .isAlive] = 1
    world[thread: thread, .area] = Contents.current(thread)
    records[thread] = FPUThreadState(isKernelThread: false, protectionKeyRights: UInt32(thread))
  }

  private func end(_ thread: Int) {
    world.makeStale(thread)
    world.makeRightsStale(thread)
    for field in [Field.isAlive, .lastCPU, .isLive, .usesOften, .loadOnReturn, .area] {
      world[thread: thread, field] = 0
    }
  }

  /// New contents from outside.
  private func writeArea(of thread: Int) {
    world.makeStale(thread)
    world[thread: thread, .area] = Contents.current(thread)
  }

  /// All CPUs are stopped in the kernel, give up their owners, and go on under the new strategy.
  private func change(to strategy: FPUStrategy) {
    for cpu in 0..<World.cpus where world[cpu: cpu, .mode] != Mode.offline {
      if world[cpu: cpu, .mode] == Mode.user { world[cpu: cpu, .mode] = Mode.kernel }
      policy(on: cpu).giveUpOwner()
    }
    if world[cpu: 0, .owner] != World.nobody || world[cpu: 1, .owner] != World.nobody {
      report(.programKeepsOwner)
    }
    world.strategy = strategy
    for cpu in 0..<World.cpus where world[cpu: cpu, .mode] != Mode.offline {
      policy(on: cpu).resumeAfterChange()
    }
  }
}
