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

  /// Prints bytes as they are, as a program wrote them.
  public static func write(_ bytes: UnsafeRawBufferPointer) {
    if let programOutput, let start = bytes.baseAddress { return programOutput(start, bytes.count) }
    withSerial { port in
      for byte in bytes { put(byte, port) }
    }
  }

  private static func withSerial(_ body: (SerialPort) -> Void) {
    if isUnlocked {
      body(.first)
    } else {
      lock.withLock { body(.first) }
    }
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
  Console.print("needletail: \(message)")
}
