import Core
import Machine

/// A terminal as programs see it: the serial line, or the slave of a pseudo-terminal. Linux calls it a tty.
///
/// The line discipline decides, and this does what follows: what is typed goes to `receive`, what is to be
/// shown waits in `output` until a subclass has passed it on in `transmit`.
class TerminalDevice: @unchecked Sendable {
  /// The bytes that may wait for output.
  static var outputCapacity: Int { 4096 }

  let number: DeviceNumber
  /// Guards everything below; also taken by interrupt handlers. Signals are sent and threads woken after its
  /// release.
  var lock = InterruptLock()
  var discipline: LineDiscipline
  var output: ByteRing
  /// Flow control's byte for the other side, which overtakes `output`; 0 for none.
  var urgentByte: UInt8 = 0
  /// What of `struct termios` cannot be changed (TIOCSLCKTRMIOS): flags bit by bit, the rest byte by byte.
  var attributeLocks = InlineArray<36, UInt8>(repeating: 0)
  var windowSize = WindowSize()
  /// The session whose controlling terminal it is; 0 for none.
  var session: Int32 = 0
  /// The process group that gets signals from keys and may read; 0 for none.
  var foregroundGroup: Int32 = 0
  /// TIOCEXCL: nobody else may open it.
  var isExclusive = false
  /// Open files, hung-up ones included.
  var openCount = 0
  /// How often it was hung up: files that were open then are dead.
  private(set) var hangUps: UInt32 = 0
  /// One write at a time, so that they are not mixed.
  private var isWriting = false
  /// For readers, writers and those who wait for output to end.
  let readiness = Readiness()
  private let memory: UnsafeMutableRawPointer

  private let outputMemory: UnsafeMutableRawPointer

  /// nil when memory is out.
  init?(
    number: DeviceNumber, attributes: TerminalAttributes, outputCapacity: Int = TerminalDevice.outputCapacity
  ) {
    guard Frames.freeCount > Frames.reserve,
      let memory = KernelHeap.allocate(size: LineDiscipline.storageSize, alignment: 16)
    else { return nil }
    guard let outputMemory = KernelHeap.allocate(size: outputCapacity, alignment: 16) else {
      KernelHeap.deallocate(memory)
      return nil
    }
    self.number = number
    self.memory = memory
    self.outputMemory = outputMemory
    discipline = LineDiscipline(attributes: attributes, memory: memory)
    output = ByteRing(memory: outputMemory, capacity: outputCapacity)
  }

  deinit {
    KernelHeap.deallocate(memory)
    KernelHeap.deallocate(outputMemory)
  }

  // MARK: For subclasses

  /// Passes on what waits in `output`, as far as that goes now. In any context, with no lock of a terminal
  /// held.
  func transmit() {}

  /// Somebody has read: there may be room for what the other side has to say.
  func inputWasTaken() {}

  /// Under `lock`: how much of the output is still here, for which tcdrain(3) waits.
  var pendingOutputCount: Int { output.count }

  /// Under `lock`: whether poll(2) says that a write would go on.
  var isWritableForPoll: Bool { !discipline.isStopped && output.count < 256 }

  /// Under `lock`: throws away what waits in `output` (tcflush(3)).
  func discardOutput() { output.removeAll() }

  /// Under `lock`: sends flow control's byte to the other side before everything that waits.
  func putAtOnce(_ byte: UInt8) { urgentByte = byte }

  /// Whether the other side is gone for good: reads end, and writes fail.
  var isOtherSideGone: Bool { false }

  /// The attributes that are possible for what a program asks for.
  func adapted(_ attributes: TerminalAttributes) -> TerminalAttributes { attributes }

  /// It has been opened.
  func slaveOpened() {}

  /// The last open file has gone.
  func lastFileClosed() {}

  /// Whether the end of its session's leader is its end too, as of a real line.
  var hangsUpWithItsSession: Bool { false }

  /// Lets somebody else have what a program writes: the kernel's own tests. False where nobody wants it.
  func divert(_ bytes: UnsafeRawBufferPointer) -> Bool { false }

  /// ioctl(2)'s requests that only some kinds of terminals know.
  func controlDevice(_ request: UInt32, _ argument: UInt64) throws(Errno) { throw .notTerminal }

  /// A change that a master in packet mode is told of (tty_ioctl(2), TIOCPKT). Under `lock`; `transmit` after its
  /// release wakes him.
  func tellMaster(_ change: PacketStatus) {}

  // MARK: The discipline's effects

  /// What the line discipline asks for, collected under the lock and done after its release.
  struct Effects: TerminalEffects {
    fileprivate unowned(unsafe) let terminal: TerminalDevice
    /// A bit for each signal.
    fileprivate var signals: UInt32 = 0
    fileprivate var isReadable = false
    fileprivate var hasOutput = false
    fileprivate var isRoomNew = false

    fileprivate init(_ terminal: TerminalDevice) { self.terminal = terminal }

    var outputRoom: Int { terminal.output.room }

    mutating func output(_ byte: UInt8) {
      guard terminal.output.room > 0 else { return }
      terminal.output.append(byte)
      hasOutput = true
    }

    mutating func output(_ bytes: UnsafeRawBufferPointer) {
      _ = terminal.output.append(bytes)
      hasOutput = true
    }

    mutating func outputAtOnce(_ byte: UInt8) {
      terminal.putAtOnce(byte)
      hasOutput = true
    }

    mutating func discardOutput() {
      terminal.discardOutput()
      terminal.tellMaster([.inputDiscarded, .outputDiscarded])
      hasOutput = true
      isRoomNew = true
    }

    mutating func signal(_ signal: TerminalSignal) { signals |= 1 << UInt32(signal.rawValue) }

    mutating func becameReadable() { isReadable = true }

    mutating func outputStopped() {
      terminal.tellMaster(.stopped)
      hasOutput = true
    }

    mutating func outputStarted() {
      terminal.tellMaster(.started)
      hasOutput = true
      isRoomNew = true
    }
  }

  /// Calls `body` with the discipline under the lock, and then does what follows. In a thread without locks.
  final func withDiscipline<Result>(_ body: (inout LineDiscipline, inout Effects) -> Result) -> Result {
    var effects = Effects(self)
    var group: Int32 = 0
    let result = lock.withLock {
      group = foregroundGroup
      return body(&discipline, &effects)
    }
    if effects.signals != 0, group != 0 {
      for signal in [TerminalSignal.interrupt, .quit, .stop]
      where effects.signals >> UInt32(signal.rawValue) & 1 != 0 {
        JobControl.send(Signal(signal), toGroup: group)
      }
    }
    if effects.hasOutput { transmit() }
    var events: PollEvents = []
    if effects.isReadable { events.formUnion([.input, .inputNormal]) }
    if effects.isRoomNew { events.formUnion([.output, .outputNormal]) }
    if !events.isEmpty { readiness.notify(events) }
    return result
  }

  /// Takes what has been typed, as far as there is room. In a thread without locks.
  ///
  /// - Returns: how many of the bytes.
  func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
    withDiscipline { discipline, effects in
      var taken = 0
      while taken < bytes.count, discipline.hasRoom {
        discipline.receive(bytes[taken], &effects)
        taken += 1
      }
      return taken
    }
  }

  // MARK: Turns of writers

  /// Waits until no other write is under way.
  func beginWriting(isNonBlocking: Bool) throws(Errno) {
    if lock.withLock({ takeTurn() }) { return }
    if isNonBlocking { throw .tryAgain }
    if readiness.queue.wait({ lock.withLock { takeTurn() } }) != .satisfied { throw .restart }
  }

  private func takeTurn() -> Bool {
    if isWriting { return false }
    isWriting = true
    return true
  }

  func endWriting() {
    lock.withLock { isWriting = false }
    readiness.notify([.output, .outputNormal])
  }

  // MARK: The end

  /// Makes every file that is open now dead: reads end, and everything else fails (vhangup(2)). The next to
  /// open it finds it as new.
  func hangUp() {
    lock.withLock {
      hangUps &+= 1
      discipline.discardInput()
      discardOutput()
      session = 0
      foregroundGroup = 0
    }
    readiness.notify()
  }

  /// TIOCVHANGUP: as if the line had been cut. The session's leader is told, and the group in front when he
  /// ends.
  func hangUpBySystem() {
    let (leader, group) = lock.withLock { (session, foregroundGroup) }
    if leader != 0 { Terminals.rememberForeground(group, of: leader) }
    hangUp()
    if leader != 0 {
      // Last: whoever gets the signals finds the line cut.
      JobControl.send(.hangup, toLeaderOf: leader)
      JobControl.send(.continue, toLeaderOf: leader)
    }
  }
}

/// TIOCGWINSZ's structure.
struct WindowSize: BitwiseCopyable, Equatable {
  var rows: UInt16 = 0
  var columns: UInt16 = 0
  /// In dots; not used.
  var width: UInt16 = 0
  var height: UInt16 = 0
}

/// What a read of a pseudo-terminal's master tells in packet mode (ioctl_tty(2)).
struct PacketStatus: OptionSet, Sendable {
  let rawValue: UInt8

  init(rawValue: UInt8) { self.rawValue = rawValue }

  static var inputDiscarded: PacketStatus { PacketStatus(rawValue: 1) }  // TIOCPKT_FLUSHREAD
  static var outputDiscarded: PacketStatus { PacketStatus(rawValue: 2) }  // TIOCPKT_FLUSHWRITE
  static var stopped: PacketStatus { PacketStatus(rawValue: 4) }  // TIOCPKT_STOP
  static var started: PacketStatus { PacketStatus(rawValue: 8) }  // TIOCPKT_START
  static var noFlowControl: PacketStatus { PacketStatus(rawValue: 16) }  // TIOCPKT_NOSTOP
  static var flowControl: PacketStatus { PacketStatus(rawValue: 32) }  // TIOCPKT_DOSTOP
  static var attributesChanged: PacketStatus { PacketStatus(rawValue: 64) }  // TIOCPKT_IOCTL
}
