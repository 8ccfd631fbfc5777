// Reads and writes that say no instead of reaching outside of the buffer.

extension UnsafeRawBufferPointer {
  /// The little-endian integer at an offset in bytes, or nil where it does not lie within the buffer.
  func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value? {
    guard offset >= 0, offset <= count &- MemoryLayout<Value>.size else { return nil }
    return Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  /// Whether all bytes of the range are zero; false where the range is not within the buffer.
  func isZero(in range: Range<Int>) -> Bool {
    guard range.lowerBound >= 0, range.upperBound <= count else { return false }
    for index in range where self[index] != 0 { return false }
    return true
  }
}

extension UnsafeMutableRawBufferPointer {
  /// Writes a little-endian integer. The caller has checked the size of the buffer.
  func set<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
    precondition(offset >= 0 && offset <= count &- MemoryLayout<Value>.size)
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
  }

  /// Sets the bytes of the range to zero. The caller has checked the size of the buffer.
  func zero(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    guard !range.isEmpty, let base = baseAddress else { return }
    // SAFETY: the range lies within the buffer, checked above.
    (base + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
  }

  /// Copies bytes from `start` of another buffer to `range` of this one. The caller has checked both sizes.
  func copy(from source: UnsafeRawBufferPointer, at start: Int, to range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    precondition(start >= 0 && start <= source.count &- range.count)
    guard !range.isEmpty, let base = baseAddress, let sourceBase = source.baseAddress else { return }
    // SAFETY: both ranges lie within their buffers, checked above.
    (base + range.lowerBound).copyMemory(from: sourceBase + start, byteCount: range.count)
  }
}
