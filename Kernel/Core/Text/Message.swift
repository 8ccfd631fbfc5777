/// A line of text built without the heap, so that it can be built anywhere: in interrupts, under locks, in a
/// panic. `"cpu \(number) of \(count)"`, `"at \(hex: address)"`, `"\(count, width: 8)"`.
///
/// Text beyond `capacity` bytes is cut.
public struct Message: ExpressibleByStringInterpolation, Sendable {
  public static var capacity: Int { 320 }

  public struct StringInterpolation: StringInterpolationProtocol, Sendable {
    private(set) var bytes = InlineArray<320, UInt8>(repeating: 0)
    public private(set) var count = 0

    public init(literalCapacity: Int, interpolationCount: Int) {}

    /// Adds one byte as it is.
    @inline(__always)
    public mutating func append(_ byte: UInt8) {
      if count < Message.capacity {
        bytes[unchecked: count] = byte
        count &+= 1
      }
    }

    public mutating func appendLiteral(_ literal: StaticString) {
      let start = literal.utf8Start
      for index in 0..<literal.utf8CodeUnitCount { append(start[index]) }
    }

    public mutating func appendInterpolation(_ text: StaticString) { appendLiteral(text) }

    public mutating func appendInterpolation(_ text: StaticString, width: Int) {
      appendLiteral(text)
      pad(text.utf8CodeUnitCount, to: width)
    }

    public mutating func appendInterpolation(_ message: Message) {
      for index in 0..<message.content.count { append(message.content.bytes[unchecked: index]) }
    }

    public mutating func appendInterpolation(_ message: Message, width: Int) {
      appendInterpolation(message)
      pad(message.content.count, to: width)
    }

    public mutating func appendInterpolation(_ bytes: UnsafeRawBufferPointer) {
      for byte in bytes { append(byte >= 32 && byte < 127 ? byte : 63) }
    }

    public mutating func appendInterpolation<Number: FixedWidthInteger>(_ number: Number) {
      appendInterpolation(number, width: 0)
    }

    /// A decimal number, right-aligned in `width` columns.
    public mutating func appendInterpolation<Number: FixedWidthInteger>(_ number: Number, width: Int) {
      var digits = InlineArray<24, UInt8>(repeating: 0)
      var digitCount = 0
      var rest = UInt64(number.magnitude)
      repeat {
        digits[unchecked: digitCount] = UInt8(truncatingIfNeeded: rest % 10) &+ 48
        digitCount &+= 1
        rest /= 10
      } while rest != 0
      let isNegative = number < 0
      pad(digitCount &+ (isNegative ? 1 : 0), to: width)
      if isNegative { append(45) }
      while digitCount > 0 {
        digitCount &-= 1
        append(digits[unchecked: digitCount])
      }
    }

    /// A hexadecimal number with `0x`.
    public mutating func appendInterpolation(hex number: UInt64) {
      append(48)
      append(120)
      var shift: UInt64 = 60
      while shift > 0, number >> shift == 0 { shift &-= 4 }
      while true {
        let digit = UInt8(truncatingIfNeeded: number >> shift & 15)
        append(digit < 10 ? digit &+ 48 : digit &+ 87)
        if shift == 0 { break }
        shift &-= 4
      }
    }

    private mutating func pad(_ length: Int, to width: Int) {
      var missing = width &- length
      while missing > 0 {
        append(32)
        missing &-= 1
      }
    }
  }

  let content: StringInterpolation

  public init(stringLiteral literal: StaticString) {
    var content = StringInterpolation(literalCapacity: 0, interpolationCount: 0)
    content.appendLiteral(literal)
    self.content = content
  }

  public init(stringInterpolation content: StringInterpolation) { self.content = content }

  /// The text's length in bytes.
  public var count: Int { content.count }

  public subscript(index: Int) -> UInt8 { content.bytes[index] }
}
