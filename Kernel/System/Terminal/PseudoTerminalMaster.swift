import Core
import Machine

/// The master of a pseudo-terminal, as open of /dev/ptmx makes it (ptmx(4)).
final class PseudoTerminalMaster: OpenFile, @unchecked Sendable {
  let terminal: PseudoTerminal

  init(_ terminal: PseudoTerminal, node: FileNode, flags: OpenFlags) {
    self.terminal = terminal
    super.init(node: node, flags: flags)
  }

  deinit { terminal.masterClosed() }

  override var readiness: Readiness? { terminal.masterReadiness }

  override var asynchronousEvents: PollEvents? { [.input, .inputNormal] }

  override var usualAsynchronousOwner: (AsynchronousOwner.Kind, Int32)? {
    (.process, Scheduler.current.pointee.processIdentifier)
  }

  override func poll() -> PollEvents {
    terminal.lock.withLock {
      var events: PollEvents = []
      if terminal.readableCount > 0 { events.formUnion([.input, .inputNormal]) }
      if terminal.hasPacketStatus { events.formUnion([.input, .inputNormal, .priority]) }
      if terminal.isAbandoned { events.insert(.hangUp) }
      if terminal.discipline.hasRoom { events.formUnion([.output, .outputNormal]) }
      return events
    }
  }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    if buffer.remaining == 0 { return 0 }
    var piece = InlineArray<256, UInt8>(repeating: 0)
    var done = 0
    while buffer.remaining > 0 {
      let (count, isAlone) = withUnsafeMutableBytes(of: &piece) { bytes in
        let target = UnsafeMutableRawBufferPointer(rebasing: bytes[0..<min(256, buffer.remaining)])
        return terminal.lock.withLock { (terminal.takeForMaster(into: target), terminal.isInPacketMode) }
      }
      if count > 0 {
        terminal.readiness.notify()
        try withUnsafeBytes(of: piece) { bytes throws(Errno) in
          try buffer.put(UnsafeRawBufferPointer(rebasing: bytes[0..<count]))
        }
        done += count
        if isAlone || count < 256 { break }
        continue
      }
      if done > 0 { break }
      if terminal.lock.withLock({ terminal.isAbandoned }) { throw .inputOutput }
      if isNonBlocking { throw .tryAgain }
      let outcome = terminal.masterReadiness.queue.wait {
        terminal.lock.withLock {
          terminal.readableCount > 0 || terminal.hasPacketStatus || terminal.isAbandoned
        }
      }
      if outcome != .satisfied { throw .restart }
    }
    return done
  }

  /// What is written is typed at the terminal.
  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    return try buffer.takePieces { piece, done throws(Errno) in try type(piece, &done) }
  }

  private func type(_ bytes: UnsafeRawBufferPointer, _ done: inout Int) throws(Errno) {
    var place = 0
    while true {
      let count = terminal.receive(UnsafeRawBufferPointer(rebasing: bytes[place...]))
      place += count
      done += count
      if place == bytes.count { return }
      if count > 0 { continue }
      if isNonBlocking { throw .tryAgain }
      let outcome = terminal.masterReadiness.queue.wait {
        terminal.lock.withLock { terminal.discipline.hasRoom }
      }
      if outcome != .satisfied { throw .restart }
    }
  }

  // MARK: ioctl(2)

  private typealias Request = TerminalRequest

  override func control(_ request: UInt32, _ argument: UInt64) throws(Errno) -> Int64 {
    switch request {
    case Request.getPseudoTerminalNumber: try terminal.give(Int32(terminal.index), to: argument)
    case Request.setPseudoTerminalLock:
      let isLocked = try terminal.take(Int32(0), from: argument) != 0
      terminal.lock.withLock { terminal.isLocked = isLocked }
    case Request.getPseudoTerminalLock:
      try terminal.give(Int32(terminal.lock.withLock { terminal.isLocked } ? 1 : 0), to: argument)
    case Request.setPacketMode:
      let isOn = try terminal.take(Int32(0), from: argument) != 0
      terminal.lock.withLock { if terminal.isInPacketMode != isOn { terminal.setPacketMode(isOn) } }
    case Request.getPacketMode:
      try terminal.give(Int32(terminal.lock.withLock { terminal.isInPacketMode } ? 1 : 0), to: argument)
    case Request.signalSlave:
      guard let key = TerminalSignal(rawValue: UInt8(truncatingIfNeeded: argument)), argument < 32 else {
        throw .invalid
      }
      let group = terminal.lock.withLock { terminal.foregroundGroup }
      if group != 0 { JobControl.send(Signal(key), toGroup: group) }
    case Request.openSlave: return try openSlave(OpenFlags(rawValue: UInt32(truncatingIfNeeded: argument)))
    case Request.getInputCount:
      try terminal.give(Int32(terminal.lock.withLock { terminal.readableCount }), to: argument)
    case Request.getOutputCount: try terminal.give(Int32(0), to: argument)
    case Request.discard:
      guard argument <= 2 else { throw .invalid }
      // What has been typed is the terminal's.
      if argument != 1 { terminal.lock.withLock { terminal.discardForMaster() } }
      terminal.readiness.notify()
    // What it says of the terminal is the slave's.
    default: return try terminal.control(request, argument, nil)
    }
    return 0
  }

  /// TIOCGPTPEER: the slave, without a look at /dev/pts.
  private func openSlave(_ flags: OpenFlags) throws(Errno) -> Int64 {
    let file = try PseudoTerminalFileSystem.shared.node(of: terminal).open(flags.subtracting(.closeOnExec))
    file.location = location(of: file.node)
    return Int64(
      try Scheduler.current.pointee.process!.files.add(file, closesOnExec: flags.contains(.closeOnExec)))
  }

  /// Where /dev/pts shows the slave, for the links of /proc (ttyname(3)); nil where it is not mounted there.
  private func location(of node: FileNode) -> Path? {
    var memory = InlineArray<16, UInt8>(repeating: 0)
    return withUnsafeMutableBytes(of: &memory) { bytes in
      var text = TextBuffer(bytes)
      text.put("/dev/pts/")
      text.put(UInt64(terminal.index))
      let name = ByteView(UnsafeRawBufferPointer(rebasing: bytes[0..<text.count]))
      do throws(Errno) {
        let path = try FileTree.find(name)
        return path.node === node ? path : nil
      } catch {
        return nil
      }
    }
  }
}
