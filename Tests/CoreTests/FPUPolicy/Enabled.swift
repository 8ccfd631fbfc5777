import Core

/// Which events can happen in a world.
extension World {
  /// Appends the events to `events`.
  func enabledEvents(
    protectionKeys: Bool, slices: Bool, strategyChanges: Bool, into events: inout [Event]
  ) {
    let debugged = self[cpu: 0, .mode] == Mode.kernel || self[cpu: 1, .mode] == Mode.kernel
    let isMalformed = (0..<World.threads).contains { self[thread: $0, .area] == Contents.garbage }
    for cpu in 0..<World.cpus { enabledEvents(on: cpu, protectionKeys, slices, isMalformed, &events) }
    for thread in 0..<World.threads {
      if self[thread: thread, .isAlive] == 0 {
        events.append(Event(.create, thread))
      } else if cpu(running: thread) == nil {
        events.append(Event(.exit, thread))
        if debugged { events.append(Event(.debuggerWrites, thread)) }
        if !isMalformed { events.append(Event(.corruptArea, thread)) }
      }
    }
    events.append(Event(.changeSaveInstruction))
    guard strategyChanges else { return }
    for number in 0..<3 where number != Int(strategy.rawValue) {
      events.append(Event(.changeStrategy, number))
    }
  }

  private func enabledEvents(
    on cpu: Int, _ protectionKeys: Bool, _ slices: Bool, _ isMalformed: Bool,
    _ events: inout [Event]
  ) {
    let current = self[cpu: cpu, .current]
    switch self[cpu: cpu, .mode] {
    case Mode.offline: events.append(Event(.comeOnline, cpu: cpu))

    case Mode.user:
      events.append(Event(.enterKernel, cpu: cpu))
      if self[cpu: cpu, .trapsOnUse] == 1 {
        events.append(Event(.deviceNotAvailable, cpu: cpu))
      } else {
        events.append(Event(.compute, cpu: cpu))
        events.append(Event(.ownDeviceFault, cpu: cpu))
      }
      if protectionKeys { events.append(Event(.writeRights, cpu: cpu)) }

    case Mode.kernelSection:
      events.append(Event(.openNestedSection, cpu: cpu))
      events.append(Event(.computeInSection, cpu: cpu))
      events.append(Event(.closeSection, cpu: cpu))

    default:
      for thread in 0..<World.threads
      where self[thread: thread, .isAlive] == 1 && self.cpu(running: thread) == nil {
        appendSwitch(.switchToUserThread, cpu, thread, slices, &events)
      }
      events.append(Event(.openSection, cpu: cpu))
      events.append(Event(.openSectionInInterrupt, cpu: cpu))
      guard current != World.nobody else {
        if self[cpu: 1 - cpu, .mode] != Mode.offline { events.append(Event(.goOffline, cpu: cpu)) }
        return
      }
      appendSwitch(.switchToKernelThread, cpu, 0, slices, &events)
      events.append(Event(.returnToUserMode, cpu: cpu))
      for child in 0..<World.threads where self[thread: child, .isAlive] == 0 {
        events.append(Event(.fork, cpu: cpu, child))
      }
      events.append(Event(.startProgram, cpu: cpu))
      events.append(Event(.signalReturn, cpu: cpu))
      events.append(Event(.beginHandler, cpu: cpu))
      events.append(Event(.frameNotWritten, cpu: cpu))
      events.append(Event(.loadFrame, cpu: cpu))
      events.append(Event(.loadPartialFrame, cpu: cpu))
      events.append(Event(.readState, cpu: cpu))
      events.append(Event(.loadFrameFaults, cpu: cpu))
      if !isMalformed { events.append(Event(.signalReturnWritesGarbage, cpu: cpu)) }
    }
  }

  private func appendSwitch(
    _ kind: EventKind, _ cpu: Int, _ argument: Int, _ slices: Bool, _ events: inout [Event]
  ) {
    events.append(Event(kind, cpu: cpu, argument))
    let current = self[cpu: cpu, .current]
    guard slices, current != World.nobody, self[thread: current, .isLive] == 1 else { return }
    let often = self[thread: current, .usesOften] == 1
    events.append(Event(kind, cpu: cpu, argument, slices: often ? Slices.wraps : Slices.crossesThreshold))
  }
}
