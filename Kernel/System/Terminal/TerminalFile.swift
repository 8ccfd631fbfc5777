import Core
import Machine

/// An open terminal.
final class TerminalFile: OpenFile, @unchecked Sendable {
  let terminal: TerminalDevice
  /// Opened as /dev/console: it survives hang-ups, and reads are not subject to job control.
  let isConsole: Bool
  /// The terminal's count of hang-ups at the time.
  private let hangUps: UInt32

  init(_ terminal: TerminalDevice, node: FileNode, flags: OpenFlags, isConsole: Bool = false) {
    self.terminal = terminal
    self.isConsole = isConsole
    hangUps = terminal.lock.withLock {
      terminal.openCount += 1
      return terminal.hangUps
    }
    super.init(node: node, flags: flags)
    terminal.slaveOpened()
  }

  deinit {
    let isLast = terminal.lock.withLock {
      terminal.openCount -= 1
      if terminal.openCount == 0 { terminal.isExclusive = false }
      return terminal.openCount == 0
    }
    if isLast { terminal.lastFileClosed() }
  }

  var isHungUp: Bool { !isConsole && hangUps != terminal.hangUps }

  override var readiness: Readiness? { terminal.readiness }

  override var asynchronousEvents: PollEvents? { [.input, .inputNormal] }

  override var usualAsynchronousOwner: (AsynchronousOwner.Kind, Int32)? {
    let group = terminal.lock.withLock { terminal.foregroundGroup }
    return group > 0 ? (.group, group) : (.process, Scheduler.current.pointee.processIdentifier)
  }

  override func poll() -> PollEvents {
    if isHungUp { return [.input, .output, .error, .hangUp, .inputNormal, .outputNormal] }
    return terminal.lock.withLock {
      var events: PollEvents = []
      if terminal.discipline.isReadableForPoll { events.formUnion([.input, .inputNormal]) }
      if terminal.isOtherSideGone { events.insert(.hangUp) }
      if terminal.isWritableForPoll { events.formUnion([.output, .outputNormal]) }
      return events
    }
  }

  // MARK: Reading

  /// read(2): a line, or in non-canonical mode what VMIN and VTIME say (termios(3)).
  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    if isHungUp { return 0 }
    if !isConsole { try terminal.checkForeground(.terminalInput) }
    if buffer.remaining == 0 { return 0 }
    let plan = TerminalReadPlan(terminal.lock.withLock { terminal.discipline.attributes })
    var deadline = Self.deadline(after: plan.firstDelay)
    var piece = InlineArray<256, UInt8>(repeating: 0)
    var done = 0
    while buffer.remaining > 0 {
      let (count, isEnd) = take(into: &piece, atMost: buffer.remaining)
      if count > 0 {
        try withUnsafeBytes(of: piece) { bytes throws(Errno) in
          try buffer.put(UnsafeRawBufferPointer(rebasing: bytes[0..<count]))
        }
        done += count
        terminal.inputWasTaken()
      }
      if isEnd || done >= plan.minimum && count < 256 { break }
      if count > 0 {
        if plan.nextDelay != nil { deadline = Self.deadline(after: plan.nextDelay) }
        continue
      }
      if isHungUp { break }
      if terminal.isOtherSideGone {
        if done == 0 { throw .inputOutput }
        break
      }
      if let deadline, deadline == 0 { break }
      if isNonBlocking {
        if done > 0 { break }
        throw .tryAgain
      }
      let outcome = terminal.readiness.queue.wait(until: deadline) {
        terminal.lock.withLock { terminal.discipline.isReadable || terminal.isOtherSideGone } || isHungUp
      }
      if outcome == .timedOut { break }
      if outcome == .interrupted {
        if done > 0 { break }
        throw .restart
      }
    }
    return done
  }

  /// What there is to read now, without waiting.
  private func take(
    into piece: inout InlineArray<256, UInt8>, atMost limit: Int
  ) -> (count: Int, isEnd: Bool) {
    withUnsafeMutableBytes(of: &piece) { bytes in
      let target = UnsafeMutableRawBufferPointer(rebasing: bytes[0..<min(256, limit)])
      return terminal.withDiscipline { discipline, effects in
        guard discipline.isReadable else { return (0, false) }
        let isCanonical = discipline.attributes.isCanonical
        let (count, isLineEnd) = discipline.read(into: target)
        discipline.restartSender(&effects)
        // A line that does not fit in the piece goes on in the next.
        return (count, isLineEnd || isCanonical && count < target.count)
      }
    }
  }

  /// - Parameter delay: in tenths of a second; nil for never, 0 for not at all.
  /// - Returns: in ticks; 0 for not at all.
  private static func deadline(after delay: Int?) -> UInt64? {
    guard let delay else { return nil }
    return delay == 0 ? 0 : readTimeStampCounter() &+ Time.ticks(nanoseconds: UInt64(delay) * 100_000_000)
  }

  // MARK: Writing

  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    if isHungUp { throw .inputOutput }
    let attributes = terminal.lock.withLock { terminal.discipline.attributes }
    if attributes.local.contains(.stopsBackgroundOutput), !isConsole {
      try terminal.checkForeground(.terminalOutput)
    }
    try terminal.beginWriting(isNonBlocking: isNonBlocking)
    defer { terminal.endWriting() }
    return try buffer.takePieces { piece, done throws(Errno) in try put(piece, &done) }
  }

  /// Puts a piece out, waiting for room where need be.
  ///
  /// - Parameter done: is advanced by what has been put out.
  private func put(_ bytes: UnsafeRawBufferPointer, _ done: inout Int) throws(Errno) {
    if terminal.divert(bytes) {
      done += bytes.count
      return
    }
    var place = 0
    while true {
      if isHungUp || terminal.isOtherSideGone { throw .inputOutput }
      let count = terminal.withDiscipline { discipline, effects in
        if discipline.isStopped { return 0 }
        return discipline.write(UnsafeRawBufferPointer(rebasing: bytes[place...]), &effects)
      }
      place += count
      done += count
      if place == bytes.count { return }
      if count > 0 { continue }
      if isNonBlocking { throw .tryAgain }
      let outcome = terminal.readiness.queue.wait {
        // Tab's eight blanks are the most that one byte asks for.
        terminal.lock.withLock { !terminal.discipline.isStopped && terminal.output.room >= 8 }
          || isHungUp || terminal.isOtherSideGone
      }
      if outcome != .satisfied { throw .restart }
    }
  }

  override func control(_ request: UInt32, _ argument: UInt64) throws(Errno) -> Int64 {
    if isHungUp { throw request == TerminalRequest.setForegroundGroup ? .notTerminal : .inputOutput }
    return try terminal.control(request, argument, self)
  }
}
