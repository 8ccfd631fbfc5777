import Machine

/// What is typed on the serial line, from the interrupt to whoever reads it.
public enum ConsoleInput {
  nonisolated(unsafe) private static var lock = InterruptLock()
  private static var capacity: Int { 256 }
  nonisolated(unsafe) private static var bytes: UnsafeMutablePointer<UInt8>?
  nonisolated(unsafe) private static var head = 0
  nonisolated(unsafe) private static var count = 0
  nonisolated(unsafe) private static var readers: WaitQueue?

  static func initialize() {
    readers = WaitQueue()
    bytes = KernelHeap.allocateArray(of: UInt8.self, count: capacity, repeating: 0)
    Console.withPort { Console.enableInterrupts(receive: true, $0) }
  }

  /// From here on what is typed is for programs that read the terminal, and for good.
  public static func giveToPrograms() { SerialTerminal.giveInputToPrograms() }

  /// The serial port's interrupt: takes what has arrived, and sends what waits.
  ///
  /// Goes on until the port asks for nothing more, since a request that stays raises no further interrupt.
  static func handleInterrupt() {
    for _ in 0..<64 {
      receive()
      Terminals.serial?.transmit()
      if !SerialPort.first.takeInterrupt() { return }
    }
  }

  /// What does not fit stays in the port until somebody has read.
  private static func receive() {
    let isAny = lock.withLock {
      let before = count
      while count < capacity, let byte = SerialPort.first.read() {
        bytes![(head + count) % capacity] = byte
        count += 1
      }
      if count == capacity { Console.withPort { Console.enableInterrupts(receive: false, $0) } }
      return count > before
    }
    if isAny { readers?.wake() }
  }

  /// Takes the next byte out, if there is one. Under the lock.
  private static func take() -> UInt8? {
    if count == 0 { return nil }
    let byte = bytes![head]
    head = (head + 1) % capacity
    count -= 1
    if count == capacity / 2 { Console.withPort { Console.enableInterrupts(receive: true, $0) } }
    return byte
  }

  /// Waits for the next byte. In a thread.
  public static func read() -> UInt8 {
    var byte: UInt8 = 0
    _ = readers!.wait(isInterruptible: false) {
      guard let next = lock.withLock({ take() }) else { return false }
      byte = next
      return true
    }
    return byte
  }

  /// The next byte, if one has come already.
  public static func readIfAny() -> UInt8? { lock.withLock { take() } }
}
