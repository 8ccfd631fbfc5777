/// Text that is written into the caller's memory, which may turn out to be too small: `needed` goes on counting, so
/// that the caller can try again with as much.
public struct TextBuffer {
  private let memory: UnsafeMutableRawBufferPointer
  /// How many bytes have been put, those without room included.
  public private(set) var needed = 0

  /// - Parameter memory: stays the caller's.
  public init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

  /// How many bytes are there.
  public var count: Int { min(needed, memory.count) }
  /// Whether all that was put has had room.
  public var isComplete: Bool { needed <= memory.count }

  public mutating func put(byte: UInt8) {
    if needed < memory.count { memory[needed] = byte }
    needed &+= 1
  }

  public mutating func put(_ text: StaticString) {
    put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  public mutating func put(_ bytes: UnsafeRawBufferPointer) {
    let room = min(bytes.count, memory.count &- count)
    if room > 0, let source = bytes.baseAddress, let target = memory.baseAddress {
      (target + needed).copyMemory(from: source, byteCount: room)
    }
    needed &+= bytes.count
  }

  public mutating func put(_ text: ByteView) { put(text.bytes) }

  /// The text in the first bytes of a field that zeros fill up.
  public mutating func put(zeroTerminated field: UnsafeRawBufferPointer) {
    var length = 0
    while length < field.count, field[length] != 0 { length &+= 1 }
    put(UnsafeRawBufferPointer(rebasing: field[0..<length]))
  }

  /// A decimal number, right-aligned in `width` columns.
  public mutating func put<Number: FixedWidthInteger>(_ number: Number, width: Int = 0) {
    putDecimal(UInt64(truncatingIfNeeded: number.magnitude), isNegative: number < 0, width: width, fill: 32)
  }

  /// A decimal number with zeros in front, as digits behind a point are.
  public mutating func put(_ number: UInt64, digits: Int) {
    putDecimal(number, isNegative: false, width: digits, fill: 48)
  }

  private mutating func putDecimal(_ number: UInt64, isNegative: Bool, width: Int, fill: UInt8) {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var digitCount = 0
    var rest = number
    repeat {
      digits[digitCount] = UInt8(truncatingIfNeeded: rest % 10) &+ 48
      digitCount &+= 1
      rest /= 10
    } while rest != 0
    var missing = width &- digitCount &- (isNegative ? 1 : 0)
    while missing > 0 {
      put(byte: fill)
      missing &-= 1
    }
    if isNegative { put(byte: 45) }
    while digitCount > 0 {
      digitCount &-= 1
      put(byte: digits[digitCount])
    }
  }

  /// A hexadecimal number of at least so many digits.
  public mutating func put(hexadecimal number: UInt64, digits: Int = 1) {
    put(number, bitsInDigit: 4, digits: digits)
  }

  /// An octal number of at least so many digits.
  public mutating func put(octal number: UInt64, digits: Int = 1) {
    put(number, bitsInDigit: 3, digits: digits)
  }

  private mutating func put(_ number: UInt64, bitsInDigit: UInt64, digits: Int) {
    var shift = UInt64(max(digits, 1) - 1) * bitsInDigit
    while shift &+ bitsInDigit < 64, number >> (shift &+ bitsInDigit) != 0 { shift &+= bitsInDigit }
    while true {
      let digit = UInt8(truncatingIfNeeded: number >> shift & (1 << bitsInDigit - 1))
      put(byte: digit < 10 ? digit &+ 48 : digit &+ 87)
      if shift == 0 { return }
      shift &-= bitsInDigit
    }
  }

  /// Puts blanks until `width` bytes have been put since `start`.
  public mutating func pad(from start: Int, to width: Int) {
    while needed &- start < width { put(byte: 32) }
  }

  /// Puts what somebody else writes into memory.
  ///
  /// - Parameters:
  ///   - count: how much room it takes.
  ///   - fill: gets the memory, and returns how much of it has been written. Not called where there is no room.
  public mutating func put(atMost count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
    guard count <= memory.count &- self.count else {
      needed &+= count
      return
    }
    needed &+= fill(UnsafeMutableRawBufferPointer(rebasing: memory[needed..<needed &+ count]))
  }
}
