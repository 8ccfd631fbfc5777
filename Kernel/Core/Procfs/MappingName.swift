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
    guard
      let dash = name.firstIndex(of: UInt8(ascii: "-")),
      let start = number(name.slice(at: 0, count: dash)),
      let end = number(name.suffix(from: dash + 1))
    else { return nil }
    return (start, end)
  }

  private static func number(_ digits: ByteView?) -> UInt64? {
    guard let digits, digits.count == 1 || !digits.hasPrefix("0") else { return nil }
    return digits.unsignedInteger(radix: 16)
  }
}
