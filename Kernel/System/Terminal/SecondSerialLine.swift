import Core
import Machine

/// The second serial line as a terminal: /dev/ttyS1, where the machine has the port. Nothing of the kernel's own comes
/// here: a debugger can have it.
final class SecondSerialLine: TerminalDevice, @unchecked Sendable {
  /// Nil where there is no port.
  nonisolated(unsafe) private(set) static var shared: SecondSerialLine?

  private static var inputCapacity: Int { 1024 }

  /// Guards the port and all that follows. Inside of the terminal's lock.
  private var portLock = InterruptLock()
  private var input: ByteRing
  private var interruptsOnReceive = false
  private var interruptsOnTransmit = false
  /// For the thread that hands on what has arrived.
  private let arrived = WaitQueue()
  /// 1 once it has been opened.
  private var wasOpened = AtomicWord()

  private var port: SerialPort { .second }

  /// While the machine comes up.
  static func initialize() {
    guard SerialPort.second.isPresent else { return }
    let control =
      TerminalAttributes.usualControl | TerminalAttributes.localControl | TerminalAttributes.speed115200
    guard let memory = KernelHeap.allocate(size: inputCapacity, alignment: 16),
      let line = SecondSerialLine(memory, TerminalAttributes(control: control))
    else { panic("not enough memory for the second serial line") }
    shared = line
    line.port.initialize()
  }

  private init?(_ memory: UnsafeMutableRawPointer, _ attributes: TerminalAttributes) {
    input = ByteRing(memory: memory, capacity: Self.inputCapacity)
    super.init(number: DeviceNumber(major: 4, minor: 65), attributes: attributes)
  }

  override var hangsUpWithItsSession: Bool { true }

  override func inputWasTaken() { readiness.notify([.output, .outputNormal]) }

  /// From the first time on that it is opened somebody takes what arrives.
  override func slaveOpened() {
    guard wasOpened.exchange(1) == 0 else { return }
    guard Threads.startKernelThread(argument: 0, { _ in SecondSerialLine.takeInput() }) else {
      wasOpened.store(0)
      return
    }
    portLock.withLock { enableInterrupts(receive: true) }
  }

  // MARK: The port

  /// The port's interrupt: takes what has arrived, and sends what waits.
  ///
  /// Goes on until the port asks for nothing more, since a request that stays raises no further interrupt.
  static func handleInterrupt() {
    guard let line = shared else { return }
    for _ in 0..<64 {
      line.takeFromPort()
      line.transmit()
      if !line.portLock.withLock({ line.port.takeInterrupt() }) { return }
    }
  }

  /// What does not fit stays in the port until there is room.
  private func takeFromPort() {
    let isAny = portLock.withLock {
      let before = input.count
      while input.room > 0, let byte = port.read() { input.append(byte) }
      if input.room == 0 { enableInterrupts(receive: false) }
      return input.count > before
    }
    if isAny { arrived.wake() }
  }

  /// Under `portLock`; nil leaves it as it is.
  private func enableInterrupts(receive: Bool? = nil, transmit: Bool? = nil) {
    let wanted = (receive ?? interruptsOnReceive, transmit ?? interruptsOnTransmit)
    if wanted == (interruptsOnReceive, interruptsOnTransmit) { return }
    (interruptsOnReceive, interruptsOnTransmit) = wanted
    port.enableInterrupts(receive: wanted.0, transmit: wanted.1)
  }

  @inline(never)
  private static func takeInput() -> Never {
    let line = shared!
    while true {
      var byte = line.nextByte()
      while withUnsafeBytes(of: &byte, { line.receive($0) }) == 0 {
        _ = line.readiness.queue.wait(isInterruptible: false) { line.lock.withLock { line.discipline.hasRoom } }
      }
    }
  }

  private func nextByte() -> UInt8 {
    var byte: UInt8 = 0
    _ = arrived.wait(isInterruptible: false) {
      portLock.withLock {
        guard let next = input.removeFirst() else { return false }
        byte = next
        if !interruptsOnReceive, input.room > Self.inputCapacity / 2 { enableInterrupts(receive: true) }
        return true
      }
    }
    return byte
  }

  /// Sends what the port takes at once; its interrupt sends the rest.
  override func transmit() {
    let hasRoomAgain = lock.withLock {
      let wasFull = output.count > Self.outputCapacity / 2
      portLock.withLock { enableInterrupts(transmit: send()) }
      return output.isEmpty || wasFull && output.count <= Self.outputCapacity / 2
    }
    if hasRoomAgain { readiness.notify([.output, .outputNormal]) }
  }

  /// - Returns: whether something is left that may be sent.
  private func send() -> Bool {
    while urgentByte != 0 || !discipline.isStopped && !output.isEmpty {
      guard port.isReadyToWrite else { return true }
      if urgentByte != 0 {
        port.write(urgentByte)
        urgentByte = 0
      } else if let byte = output.removeFirst() {
        port.write(byte)
      }
    }
    return false
  }
}
