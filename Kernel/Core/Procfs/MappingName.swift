/// The name of a mapping in /proc/PID/map_files: its first address and the one behind it, in hexadecimal without zeros
/// in front.
public enum MappingName {
  /// The most bytes that a name has.
  public static var capacity: Int { 33 }

  public static func write(_ addresses: Range<UInt64>, to text: inout TextBuffer) {
    text.put(hexadecimal: addresses.lowerBound, digits: 1)
    text.put("-")
    text.put(hexadecimal: addresses.upperBound, digits: 1)
  }

  /// What a name says, read as strictly as Linux does: no other byte anywhere, and 64 bits at most.
  public static func parse(_ name: ByteView) -> (start: UInt64, end: UInt64)? {
    var index = 0
    guard let start = number(name, &index), index < name.count, name[index] == UInt8(ascii: "-") else { return nil }
    index += 1
    guard let end = number(name, &index), index == name.count else { return nil }
    return (start, end)
  }

  private static func number(_ name: ByteView, _ index: inout Int) -> UInt64? {
    let first = index
    var value: UInt64 = 0
    while index < name.count, let digit = digit(name[index]) {
      guard value >> 60 == 0 else { return nil }
      value = value << 4 | digit
      index += 1
    }
    if index == first || name[first] == UInt8(ascii: "0") && index > first + 1 { return nil }
    return value
  }

  private static func digit(_ byte: UInt8) -> UInt64? {
    switch byte {
    case 48...57: UInt64(byte) - 48
    case 65...70: UInt64(byte) - 55
    case 97...102: UInt64(byte) - 87
    default: nil
    }
  }
}
