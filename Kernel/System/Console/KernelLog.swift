import Core
import Machine

/// The last messages of the kernel, as programs read them (syslog(2)). In any context.
enum KernelLog {
  /// In bytes, a power of two.
  static var capacity: Int { 32_768 }

  nonisolated(unsafe) private static var lock = InterruptLock()
  nonisolated(unsafe) private static var ring: UnsafeMutablePointer<UInt8>?
  /// Bytes written since the start, and how many of them were read, and made invisible by a clear.
  nonisolated(unsafe) private static var written = 0
  nonisolated(unsafe) private static var consumed = 0
  nonisolated(unsafe) private static var cleared = 0

  static func initialize() {
    ring = KernelHeap.allocateArray(of: UInt8.self, count: capacity, repeating: 0)
  }

  /// Adds a line: with its level, 0 to 7, and the time.
  static func add(_ message: Message, level: UInt8 = 6) {
    let microseconds = Time.start == 0 ? 0 : Time.nanosecondsSinceBoot / 1000
    lock.withLock {
      guard ring != nil else { return }
      put(60)
      put(48 + level)
      put(62)
      put(91)
      putNumber(microseconds / 1_000_000, digits: 5, fill: 32)
      put(46)
      putNumber(microseconds % 1_000_000, digits: 6, fill: 48)
      put(93)
      put(32)
      for index in 0..<message.count { put(message[index]) }
      put(10)
    }
  }

  private static func put(_ byte: UInt8) {
    ring.unsafelyUnwrapped[written & (capacity - 1)] = byte
    written += 1
  }

  private static func putNumber(_ number: UInt64, digits: Int, fill: UInt8) {
    var text = InlineArray<20, UInt8>(repeating: fill)
    var rest = number
    var count = 0
    repeat {
      text[count] = UInt8(rest % 10) + 48
      rest /= 10
      count += 1
    } while rest != 0
    for index in stride(from: max(count, digits) - 1, through: 0, by: -1) { put(text[index]) }
  }

  /// Copies a piece of the messages.
  ///
  /// - Parameters:
  ///   - position: counted in bytes from the first message of all; older than what is kept moves on to that.
  ///   - buffer: where to; not user memory.
  /// - Returns: how many bytes, and the position after them.
  static func read(from position: Int, into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, next: Int)
  {
    lock.withLock {
      guard let ring else { return (0, position) }
      let start = max(position, written - capacity)
      let count = max(min(buffer.count, written - start), 0)
      for index in 0..<count { buffer[index] = ring[(start + index) & (capacity - 1)] }
      return (count, start + count)
    }
  }

  /// The positions of the first message that a reader of everything sees, of the first that nobody has
  /// consumed, and of the end.
  static var positions: (first: Int, unread: Int, end: Int) {
    lock.withLock {
      let oldest = max(written - capacity, 0)
      return (max(cleared, oldest), max(consumed, oldest), written)
    }
  }

  static func setConsumed(_ position: Int) { lock.withLock { consumed = max(consumed, position) } }

  static func clear() { lock.withLock { cleared = written } }
}
