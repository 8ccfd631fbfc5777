import Core
import Machine

/// ioctl(2) on terminals (ioctl_tty(2)).
extension TerminalDevice {
  private typealias Request = TerminalRequest

  /// - Parameter file: through which it was asked for; nil where a pseudo-terminal's master asks about its
  ///   slave.
  func control(_ request: UInt32, _ argument: UInt64, _ file: TerminalFile?) throws(Errno) -> Int64 {
    switch request {
    case Request.getAttributes: try giveAttributes(.plain, argument)
    case Request.getShortAttributes: try giveAttributes(.short, argument)
    case Request.getAttributesWithSpeeds: try giveAttributes(.withSpeeds, argument)
    case Request.setAttributes: try takeAttributes(.plain, argument, .atOnce)
    case Request.setAttributesAfterOutput: try takeAttributes(.plain, argument, .afterOutput)
    case Request.setAttributesDiscardingInput: try takeAttributes(.plain, argument, .discardingInput)
    case Request.setShortAttributes: try takeAttributes(.short, argument, .atOnce)
    case Request.setShortAttributesAfterOutput: try takeAttributes(.short, argument, .afterOutput)
    case Request.setShortAttributesDiscardingInput: try takeAttributes(.short, argument, .discardingInput)
    case Request.setAttributesWithSpeeds: try takeAttributes(.withSpeeds, argument, .atOnce)
    case Request.setAttributesWithSpeedsAfterOutput: try takeAttributes(.withSpeeds, argument, .afterOutput)
    case Request.setAttributesWithSpeedsDiscardingInput:
      try takeAttributes(.withSpeeds, argument, .discardingInput)
    case Request.getLocks: try give(lock.withLock { attributeLocks }, to: argument)
    case Request.setLocks:
      guard FileIdentity.current.mayAdministrate else { throw .notPermitted }
      let locks = try take(attributeLocks, from: argument)
      lock.withLock { attributeLocks = locks }
    case Request.getWindowSize: try give(lock.withLock { windowSize }, to: argument)
    case Request.setWindowSize: try setWindowSize(argument)
    case Request.getInputCount:
      try give(Int32(lock.withLock { discipline.readableCount }), to: argument)
    case Request.getOutputCount: try give(Int32(lock.withLock { pendingOutputCount }), to: argument)
    case Request.discard: try discard(argument)
    case Request.controlFlow: try controlFlow(argument)
    case Request.sendBreak, Request.sendLongBreak, Request.startBreak:
      // There is nobody to hear a break: what is left of the calls is the wait for output.
      try checkForeground(.terminalOutput)
      try waitForOutput()
    case Request.endBreak: try checkForeground(.terminalOutput)
    case Request.getDiscipline: try give(Int32(0), to: argument)
    case Request.setDiscipline:
      guard try take(Int32(0), from: argument) == 0 else { throw .invalid }
    case Request.makeExclusive: lock.withLock { isExclusive = true }
    case Request.makeShared: lock.withLock { isExclusive = false }
    case Request.getExclusive: try give(Int32(lock.withLock { isExclusive } ? 1 : 0), to: argument)
    case Request.getDevice: try give(UInt32(truncatingIfNeeded: number.rawValue), to: argument)
    // Nobody can type in another's name.
    case Request.simulateInput: throw .inputOutput
    case Request.hangUp:
      guard FileIdentity.current.mayAdministrate else { throw .notPermitted }
      hangUpBySystem()
    default: try controlSession(request, argument, file)
    }
    return 0
  }

  private func controlSession(_ request: UInt32, _ argument: UInt64, _ file: TerminalFile?) throws(Errno) {
    switch request {
    case Request.getForegroundGroup:
      guard file == nil || isControlling else { throw .notTerminal }
      try give(lock.withLock { foregroundGroup }, to: argument)
    case Request.setForegroundGroup:
      do throws(Errno) {
        try checkForeground(.terminalOutput)
      } catch {
        throw error == .inputOutput ? .notTerminal : error
      }
      let group = try take(Int32(0), from: argument)
      guard group >= 0 else { throw .invalid }
      guard isControlling else { throw .notTerminal }
      try setForegroundGroup(group)
    case Request.getSession:
      guard file == nil || isControlling, case let session = lock.withLock({ session }), session != 0
      else { throw .notTerminal }
      try give(session, to: argument)
    case Request.acquire:
      let mayAdministrate = FileIdentity.current.mayAdministrate
      try acquire(
        mayTakeAway: argument == 1 && mayAdministrate, mayRead: file?.flags.isReadable ?? true || mayAdministrate)
    case Request.release:
      guard file != nil, isControlling else { throw .notTerminal }
      if JobControl.isSessionLeader { release() } else { JobControl.giveTerminalUp() }
    default: try controlDevice(request, argument)
    }
  }

  // MARK: Attributes

  private enum When { case atOnce, afterOutput, discardingInput }

  private func giveAttributes(_ format: TerminalAttributes.Format, _ address: UInt64) throws(Errno) {
    let attributes = lock.withLock { discipline.attributes }
    var bytes = InlineArray<44, UInt8>(repeating: 0)
    let isGiven = withUnsafeMutableBytes(of: &bytes) { bytes in
      attributes.encode(format, into: bytes)
      return UserMemory.copyOut(bytes.baseAddress!, to: address, count: format.size)
    }
    if !isGiven { throw .badAddress }
  }

  private func takeAttributes(
    _ format: TerminalAttributes.Format, _ address: UInt64, _ when: When
  ) throws(Errno) {
    try checkForeground(.terminalOutput)
    var bytes = InlineArray<44, UInt8>(repeating: 0)
    var attributes = lock.withLock { discipline.attributes }
    let isTaken = withUnsafeMutableBytes(of: &bytes) { bytes in
      guard UserMemory.copyIn(bytes.baseAddress!, from: address, count: format.size) else { return false }
      attributes.decode(format, from: UnsafeRawBufferPointer(bytes))
      return true
    }
    guard isTaken else { throw .badAddress }
    keepLocked(&attributes)
    if when == .discardingInput { discardInput() }
    if when != .atOnce { try waitForOutput() }
    set(adapted(attributes))
  }

  /// Takes back what is locked against changes (TIOCSLCKTRMIOS).
  private func keepLocked(_ new: inout TerminalAttributes) {
    let (locks, old) = lock.withLock { (attributeLocks, discipline.attributes) }
    var isAny = false
    for index in 0..<36 where locks[index] != 0 { isAny = true }
    if !isAny { return }
    var oldBytes = InlineArray<44, UInt8>(repeating: 0)
    var bytes = InlineArray<44, UInt8>(repeating: 0)
    withUnsafeMutableBytes(of: &oldBytes) { old.encode(.plain, into: $0) }
    withUnsafeMutableBytes(of: &bytes) { new.encode(.plain, into: $0) }
    for index in 0..<36 {
      // Four words of flags, and then bytes that are locked as a whole.
      let mask: UInt8 = index < 16 ? locks[index] : locks[index] == 0 ? 0 : 0xFF
      bytes[index] = bytes[index] & ~mask | oldBytes[index] & mask
    }
    withUnsafeBytes(of: &bytes) { new.decode(.plain, from: $0) }
  }

  func set(_ attributes: TerminalAttributes) {
    withDiscipline { discipline, effects in
      let hadFlowControl = discipline.attributes.hasUsualFlowControl
      let wasExternal = discipline.attributes.local.contains(.externalProcessing)
      if discipline.setAttributes(attributes) { effects.outputStarted() }
      if attributes.hasUsualFlowControl != hadFlowControl {
        tellMaster(hadFlowControl ? .noFlowControl : .flowControl)
      }
      // Who does the terminal's work elsewhere is told of everything.
      if wasExternal || attributes.local.contains(.externalProcessing) { tellMaster(.attributesChanged) }
      // What is readable, and what waits for room, may be something else now.
      effects.becameReadable()
    }
    transmit()
  }

  // MARK: Queues

  private func discardInput() {
    withDiscipline { discipline, effects in
      discipline.discardInput()
      discipline.restartSender(&effects)
      tellMaster(.inputDiscarded)
    }
    transmit()
    inputWasTaken()
  }

  /// TCFLSH, tcflush(3)
  private func discard(_ which: UInt64) throws(Errno) {
    try checkForeground(.terminalOutput)
    guard which <= 2 else { throw .invalid }
    if which != 1 { discardInput() }
    if which != 0 {
      lock.withLock {
        discardOutput()
        tellMaster(.outputDiscarded)
      }
      transmit()
      readiness.notify()
    }
  }

  /// TCXONC, tcflow(3)
  private func controlFlow(_ action: UInt64) throws(Errno) {
    try checkForeground(.terminalOutput)
    guard action <= 3 else { throw .invalid }
    withDiscipline { discipline, effects in
      switch action {
      case 0: discipline.stopByCall(&effects)
      case 1: discipline.startByCall(&effects)
      case 2: discipline.sendFlowControl(.stop, &effects)
      default: discipline.sendFlowControl(.start, &effects)
      }
    }
  }

  /// Waits until everything has been passed on (tcdrain(3)).
  func waitForOutput() throws(Errno) {
    let outcome = readiness.queue.wait {
      lock.withLock { pendingOutputCount == 0 } || isOtherSideGone
    }
    if outcome != .satisfied { throw .restart }
  }

  // MARK: Window size

  /// TIOCSWINSZ: the foreground group is told of a change (SIGWINCH).
  private func setWindowSize(_ address: UInt64) throws(Errno) {
    let size = try take(WindowSize(), from: address)
    let group = lock.withLock {
      if size == windowSize { return Int32(0) }
      windowSize = size
      return foregroundGroup
    }
    if group != 0 { JobControl.send(.windowChange, toGroup: group) }
  }

  // MARK: User memory

  func give<Value: BitwiseCopyable>(_ value: Value, to address: UInt64) throws(Errno) {
    guard UserMemory.store(value, to: address) else { throw .badAddress }
  }

  func take<Value: BitwiseCopyable>(_ initial: Value, from address: UInt64) throws(Errno) -> Value {
    guard let value = UserMemory.load(initial, from: address) else { throw .badAddress }
    return value
  }
}

extension TerminalAttributes {
  /// Whether Ctrl-S and Ctrl-Q are flow control, as a master in packet mode is told (TIOCPKT).
  fileprivate var hasUsualFlowControl: Bool {
    input.contains(.flowControl) && self[.start] == 17 && self[.stop] == 19
  }
}
