import Core
import Machine

/// A pseudo-terminal (pty(7)): what is written to the master is typed at the terminal, and what the terminal
/// shows is read from the master.
final class PseudoTerminal: TerminalDevice, @unchecked Sendable {
  /// The number in /dev/pts.
  let index: Int
  /// Its place in /dev/pts; set before anybody can find it there.
  var node: FileNode?
  /// For the master's readers and writers.
  let masterReadiness = Readiness()

  // Under `lock`.

  /// TIOCSPTLCK: the slave cannot be opened yet.
  var isLocked = true
  private(set) var isMasterOpen = true
  /// The slave was open, and nobody has it open now: the master's reads fail.
  var isAbandoned = false
  var isInPacketMode = false
  private var packetStatus: PacketStatus = []
  /// While output is stopped: how much of it was there before and can still be read.
  private var readableLimit: Int?

  /// What a program may write while nobody reads the master: as much as on Linux, where a page waits at the reader
  /// and two are on their way, so that a short program's output waits for a reader who comes after its end.
  private static var roomForOutput: Int { 12_288 }

  init?(index: Int) {
    self.index = index
    // There is no line to hang up on close.
    let control = TerminalAttributes.usualControl & ~0x400 | TerminalAttributes.speed38400
    super.init(
      number: DeviceNumber(major: 136, minor: UInt32(index)),
      attributes: TerminalAttributes(control: control), outputCapacity: Self.roomForOutput)
    // There is no wire to keep free: the writer of what is typed waits by himself.
    discipline.asksSenderToStop = false
  }

  // MARK: As a terminal

  override func transmit() { masterReadiness.notify([.input, .inputNormal, .priority]) }

  override func inputWasTaken() { masterReadiness.notify([.output, .outputNormal]) }

  // What has been put out is the master's, whether he has read it or not: nobody waits for that, and none of it
  // is thrown away. Only what output that is stopped holds back is still here.

  override var pendingOutputCount: Int { 0 }

  override var isWritableForPoll: Bool { !discipline.isStopped && output.room >= 8 }

  override func discardOutput() {
    if let readableLimit { output.removeLast(output.count - readableLimit) }
  }

  /// There is no faster way to the master than the usual one.
  override func putAtOnce(_ byte: UInt8) {
    guard output.room > 0 else { return }
    if let readableLimit {
      output.insert(byte, at: readableLimit)
      self.readableLimit = readableLimit + 1
    } else {
      output.append(byte)
    }
  }

  override var isOtherSideGone: Bool { !isMasterOpen }

  override func adapted(_ attributes: TerminalAttributes) -> TerminalAttributes {
    // Always 8 bits without parity, and a receiver that is on.
    var attributes = attributes
    attributes.control = attributes.control & ~0x130 | 0xB0
    return attributes
  }

  override func slaveOpened() {
    lock.withLock { isAbandoned = false }
    masterReadiness.notify()
  }

  override func lastFileClosed() {
    lock.withLock { isAbandoned = true }
    masterReadiness.notify()
  }

  override func tellMaster(_ change: PacketStatus) {
    if change.contains(.stopped) { readableLimit = output.count }
    if change.contains(.started) { readableLimit = nil }
    guard isInPacketMode else { return }
    // Of two opposites the last one counts.
    if change.contains(.stopped) { packetStatus.remove(.started) }
    if change.contains(.started) { packetStatus.remove(.stopped) }
    if change.contains(.noFlowControl) { packetStatus.remove(.flowControl) }
    if change.contains(.flowControl) { packetStatus.remove(.noFlowControl) }
    packetStatus.formUnion(change)
  }

  // MARK: The master's side, under `lock`

  func setPacketMode(_ isOn: Bool) {
    isInPacketMode = isOn
    packetStatus = []
  }

  /// The bytes that the master can read.
  var readableCount: Int { min(readableLimit ?? .max, output.count) }

  var hasPacketStatus: Bool { isInPacketMode && !packetStatus.isEmpty }

  /// What the master reads now: nothing, or a status alone, or bytes, after a zero in packet mode.
  func takeForMaster(into target: UnsafeMutableRawBufferPointer) -> Int {
    if hasPacketStatus {
      target[0] = packetStatus.rawValue
      packetStatus = []
      return 1
    }
    let first = isInPacketMode ? 1 : 0
    let count = min(readableCount, target.count - first)
    guard readableCount > 0, count >= 0 else { return 0 }
    if isInPacketMode { target[0] = 0 }
    _ = output.remove(into: UnsafeMutableRawBufferPointer(rebasing: target[first..<first + count]))
    if let readableLimit { self.readableLimit = readableLimit - count }
    return first + count
  }

  /// The master throws away what it has not read.
  func discardForMaster() {
    output.removeFirst(readableCount)
    if readableLimit != nil { readableLimit = 0 }
  }

  /// The master has been closed: to the slave's session its terminal is gone.
  func masterClosed() {
    PseudoTerminals.remove(self)
    lock.withLock { isMasterOpen = false }
    hangUpBySystem()
  }
}
