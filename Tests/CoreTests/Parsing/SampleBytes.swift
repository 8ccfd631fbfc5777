/// Builds samples field by field, little-endian.
extension [UInt8] {
  mutating func append<T: FixedWidthInteger>(_ value: T, as type: T.Type) {
    for shift in stride(from: 0, to: T.bitWidth, by: 8) {
      append(UInt8(truncatingIfNeeded: value >> T(shift)))
    }
  }

  mutating func set<T: FixedWidthInteger>(_ value: T, at offset: Int, as type: T.Type) {
    for index in 0..<T.bitWidth / 8 {
      self[offset + index] = UInt8(truncatingIfNeeded: value >> T(8 * index))
    }
  }

  mutating func append(text: String) {
    append(contentsOf: text.utf8)
  }

  mutating func pad(to alignment: Int) {
    while count % alignment != 0 { append(0) }
  }

  func setting<T: FixedWidthInteger>(_ value: T, at offset: Int, as type: T.Type) -> [UInt8] {
    var copy = self
    copy.set(value, at: offset, as: type)
    return copy
  }
}
