import Core
import Machine

/// The serial line as a terminal: /dev/ttyS0, and /dev/console behind it.
final class SerialTerminal: TerminalDevice, @unchecked Sendable {
  /// While the machine comes up.
  static func initialize() {
    let control =
      TerminalAttributes.usualControl | TerminalAttributes.localControl | TerminalAttributes.speed115200
    guard
      let terminal = SerialTerminal(
        number: DeviceNumber(major: 4, minor: 64), attributes: TerminalAttributes(control: control))
    else { panic("not enough memory for the console") }
    // As large as a terminal was that never told its size.
    terminal.windowSize = WindowSize(rows: 24, columns: 80)
    Terminals.serial = terminal
  }

  /// From here on what is typed is for programs.
  static func giveInputToPrograms() {
    guard Threads.startKernelThread(argument: 0, { _ in SerialTerminal.takeInput() }) else {
      panic("not enough memory for the console's thread")
    }
  }

  @inline(never)
  private static func takeInput() -> Never {
    while true {
      let terminal = Terminals.serial!
      var byte = ConsoleInput.read()
      while withUnsafeBytes(of: &byte, { terminal.receive($0) }) == 0 {
        _ = terminal.readiness.queue.wait(isInterruptible: false) {
          terminal.lock.withLock { terminal.discipline.hasRoom }
        }
      }
    }
  }

  override var hangsUpWithItsSession: Bool { true }

  override func inputWasTaken() { readiness.notify([.output, .outputNormal]) }

  override func divert(_ bytes: UnsafeRawBufferPointer) -> Bool { Console.divert(bytes) }

  /// Sends what the port takes at once; its interrupt sends the rest.
  override func transmit() {
    let hasRoomAgain = lock.withLock {
      let wasFull = output.count > Self.outputCapacity / 2
      Console.withPort { port in
        let isRestLeft = send { byte in
          guard port.isReadyToWrite else { return false }
          port.write(byte)
          return true
        }
        Console.enableInterrupts(transmit: isRestLeft, port)
      }
      return output.isEmpty || wasFull && output.count <= Self.outputCapacity / 2
    }
    if hasRoomAgain { readiness.notify([.output, .outputNormal]) }
  }

  /// Sends, under the lock, as long as `put` succeeds.
  ///
  /// - Returns: whether something is left that may be sent.
  private func send(_ put: (UInt8) -> Bool) -> Bool {
    if urgentByte != 0 {
      guard put(urgentByte) else { return true }
      urgentByte = 0
    }
    while !discipline.isStopped, let byte = output.first {
      guard put(byte) else { return true }
      _ = output.removeFirst()
    }
    return false
  }

  /// Sends all that waits before the kernel says something of its own, so that what a program has written in
  /// one piece stays in one piece. In any context.
  func sendBeforeMessage() {
    lock.withLock {
      if output.isEmpty { return }
      Console.withPort { port in
        _ = send { byte in
          port.write(byte)
          return true
        }
      }
    }
  }

  // MARK: What serial lines have beside

  override func controlDevice(_ request: UInt32, _ argument: UInt64) throws(Errno) {
    switch request {
    case TerminalRequest.getSerialLine:
      var line = SerialLine()
      line.baudBase = 115_200
      try give(line, to: argument)
    case TerminalRequest.getModemLines:
      // DTR, RTS, CTS, carrier and DSR: somebody is there.
      try give(Int32(0x002 | 0x004 | 0x020 | 0x040 | 0x100), to: argument)
    case TerminalRequest.getSoftCarrier: try give(Int32(1), to: argument)
    default: throw .notTerminal
    }
  }

  /// Linux's `struct serial_struct`.
  private struct SerialLine: BitwiseCopyable {
    var type: Int32 = 4  // a 16550A
    var line: Int32 = 0
    var port: UInt32 = 0x3F8
    var interrupt: Int32 = 4
    var flags: Int32 = 0
    var transmitFIFOSize: Int32 = 16
    var customDivisor: Int32 = 0
    var baudBase: Int32 = 0
    var closeDelay: UInt16 = 50
    var memoryKind: UInt8 = 0
    var reserved: UInt8 = 0
    var hubPort: Int32 = 0
    var closingWait: UInt16 = 3000
    var closingWait2: UInt16 = 0
    var memoryBase: UInt64 = 0
    var registerShift: UInt16 = 0
    var padding: UInt16 = 0
    var highPort: UInt32 = 0
    var mapBase: UInt64 = 0
  }
}
