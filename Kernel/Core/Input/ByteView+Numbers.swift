/// Numbers written as text.
extension ByteView {
  /// The unsigned number that the whole view spells: decimal, or hexadecimal after `0x`.
  ///
  /// Nil for an empty view, a foreign character, or a number beyond 64 bits.
  public var unsignedInteger: UInt64? {
    if hasPrefix("0x") || hasPrefix("0X") {
      return suffix(from: 2)?.unsignedInteger(radix: 16)
    }
    return unsignedInteger(radix: 10)
  }

  /// The unsigned number that the whole view spells in `radix` (at most 16), without a prefix.
  public func unsignedInteger(radix: UInt64) -> UInt64? {
    guard !isEmpty else { return nil }
    var value: UInt64 = 0
    var offset = 0
    while offset < count {
      guard let digit = hexadecimalDigit(self[offset]), digit < radix else { return nil }
      let (shifted, tooLarge) = value.multipliedReportingOverflow(by: radix)
      let (sum, carry) = shifted.addingReportingOverflow(digit)
      guard !tooLarge, !carry else { return nil }
      value = sum
      offset += 1
    }
    return value
  }

  /// The sum of all bytes, modulo 2^32. Its low byte is ACPI's checksum, the whole is cpio's.
  public var sumOfBytes: UInt32 {
    var sum: UInt32 = 0
    for byte in bytes { sum &+= UInt32(byte) }
    return sum
  }
}

/// The value of an ASCII hexadecimal digit of either case, or nil.
private func hexadecimalDigit(_ character: UInt8) -> UInt64? {
  switch character {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(character - UInt8(ascii: "0"))
  case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(character - UInt8(ascii: "a") + 10)
  case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(character - UInt8(ascii: "A") + 10)
  default: nil
  }
}
