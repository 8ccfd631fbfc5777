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
    SerialPort.first.enableReceiveInterrupt()
  }

  /// From the serial port's interrupt. What does not fit is dropped.
  static func receive() {
    lock.withLock {
      while let byte = SerialPort.first.read() {
        if count == capacity { continue }
        bytes![(head + count) % capacity] = byte
        count += 1
      }
    }
    readers?.wake()
  }

  /// Waits for the next byte. In a thread.
  public static func read() -> UInt8 {
    var byte: UInt8 = 0
    _ = readers!.wait(isInterruptible: false) {
      lock.withLock {
        if count == 0 { return false }
        byte = bytes![head]
        head = (head + 1) % capacity
        count -= 1
        return true
      }
    }
    return byte
  }

  /// The next byte, if one has come already.
  public static func readIfAny() -> UInt8? {
    lock.withLock {
      if count == 0 { return nil }
      let byte = bytes![head]
      head = (head + 1) % capacity
      count -= 1
      return byte
    }
  }
}
