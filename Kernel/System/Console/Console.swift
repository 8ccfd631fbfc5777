import Core
import Machine

/// The serial line as the kernel's console. Whole messages are kept together.
public enum Console {
  nonisolated(unsafe) private static var lock = InterruptLock()
  /// Set by a panic, which must not wait for a lock that its own CPU or a stopped one holds.
  nonisolated(unsafe) private static var isUnlocked = false
  /// Takes what programs write in place of the serial line, if set: an address and a count of bytes. Set and
  /// cleared while no program runs.
  nonisolated(unsafe) static var programOutput: (@convention(c) (UnsafeRawPointer, Int) -> Void)?

  public static func initialize() {
    SerialPort.first.initialize()
  }

  /// Prints a message and a line end.
  public static func print(_ message: Message) {
    withSerial { port in
      for index in 0..<message.count { put(message[index], port) }
      put(10, port)
    }
  }

  /// Prints a message as it is.
  public static func write(_ message: Message) {
    withSerial { port in
      for index in 0..<message.count { put(message[index], port) }
    }
  }

  /// Prints bytes, with a carriage return before each line feed.
  public static func write(_ bytes: UnsafeRawBufferPointer) {
    withSerial { port in
      for byte in bytes { put(byte, port) }
    }
  }

  /// Hands what a program writes to `programOutput`. False where none is set.
  static func divert(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let programOutput, let start = bytes.baseAddress else { return false }
    programOutput(start, bytes.count)
    return true
  }

  /// For the kernel's own messages: what programs have written before comes first.
  private static func withSerial(_ body: (SerialPort) -> Void) {
    if !isUnlocked { Terminals.serial?.sendBeforeMessage() }
    withPort(body)
  }

  /// Calls `body` with the port for itself.
  static func withPort(_ body: (SerialPort) -> Void) {
    if isUnlocked {
      body(.first)
    } else {
      lock.withLock { body(.first) }
    }
  }

  // What the port interrupts for. Under `lock`.
  nonisolated(unsafe) private static var interruptsOnReceive = false
  nonisolated(unsafe) private static var interruptsOnTransmit = false

  /// Has the port interrupt, or not, when it can take a byte, and when one has arrived; nil leaves it as it
  /// is. Within `withPort`.
  static func enableInterrupts(receive: Bool? = nil, transmit: Bool? = nil, _ port: SerialPort) {
    let wanted = (receive ?? interruptsOnReceive, transmit ?? interruptsOnTransmit)
    if wanted == (interruptsOnReceive, interruptsOnTransmit) { return }
    (interruptsOnReceive, interruptsOnTransmit) = wanted
    port.enableInterrupts(receive: wanted.0, transmit: wanted.1)
  }

  private static func put(_ byte: UInt8, _ port: SerialPort) {
    if byte == 10 { port.write(13) }
    port.write(byte)
  }

  /// From here on no lock is taken: the other CPUs are stopped, or never will be.
  static func unlock() { isUnlocked = true }
}

/// Prints a line of the kernel's own on the console.
public func log(_ message: Message) {
  KernelLog.add(message)
  Console.print("needletail: \(message)")
}
