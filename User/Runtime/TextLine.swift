/// One line of output, gathered in a fixed buffer and written by a single system call.
///
/// A single call, so that lines of programs that run at the same time do not mix. What does not fit is left
/// out.
public struct TextLine: ~Copyable {
  static let capacity = 640
  private var bytes = InlineArray<640, UInt8>(repeating: 0)
  private var count = 0

  public init() {}

  public mutating func add(_ byte: UInt8) {
    guard count < Self.capacity else { return }
    bytes[count] = byte
    count += 1
  }

  public mutating func add(_ text: StaticString) {
    var byte = text.utf8Start
    for _ in 0..<text.utf8CodeUnitCount {
      add(byte.pointee)
      byte += 1
    }
  }

  /// Adds text that ends with a zero byte, or after `limit` bytes.
  public mutating func add(text: UnsafePointer<UInt8>, limit: Int = 256) {
    for index in 0..<limit {
      if text[index] == 0 { return }
      add(text[index])
    }
  }

  public mutating func add(_ number: Int) {
    if number < 0 { add(UInt8(ascii: "-")) }
    add(number.magnitude)
  }

  public mutating func add(_ number: UInt) {
    var divisor: UInt = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      add(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
      divisor /= 10
    }
  }

  /// Adds 0x and the bytes from the last to the first: a little-endian number of any width.
  public mutating func add(hexadecimal first: UnsafePointer<UInt8>, sizeInBytes: Int) {
    add("0x")
    for index in stride(from: sizeInBytes - 1, through: 0, by: -1) {
      addDigit(first[index] >> 4)
      addDigit(first[index] & 15)
    }
  }

  public mutating func add(hexadecimal number: UInt) {
    var number = number
    withUnsafeBytes(of: &number) {
      guard let first = $0.baseAddress else { return }
      add(hexadecimal: first.assumingMemoryBound(to: UInt8.self), sizeInBytes: 8)
    }
  }

  private mutating func addDigit(_ digit: UInt8) {
    add(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
  }

  /// Writes the line and a line feed, and empties it.
  ///
  /// - Parameter descriptor: 1 for results, 2 for complaints about how the program was called.
  public mutating func write(to descriptor: UInt = 1) {
    if count == Self.capacity { count -= 1 }
    add(UInt8(ascii: "\n"))
    let size = UInt(count)
    withUnsafePointer(to: &bytes) {
      var written: UInt = 0
      while written < size {
        let result = callSystem(
          SystemCallNumber.write, descriptor, UInt(bitPattern: $0) + written, size - written)
        guard result > 0 else { return }
        written += UInt(result)
      }
    }
    count = 0
  }
}

/// Writes one line of fixed text.
public func printLine(_ text: StaticString, to descriptor: UInt = 1) {
  var line = TextLine()
  line.add(text)
  line.write(to: descriptor)
}
