/// Bytes from outside, read with every access checked.
///
/// A view does not own its bytes. It stands over memory that somebody else wrote (the boot loader, the
/// firmware, the author of a program) and that must stay mapped for as long as the view is used. A read that
/// would leave the view gives nil, so a parser cannot forget the check: it has to say what nil means.
///
///     guard let length = table.integer(at: 4, as: UInt32.self) else { throw .truncated }
public struct ByteView: @unchecked Sendable {
  // SAFETY: unchecked Sendable holds because a view only reads, and whoever makes one promises that nobody
  // writes to the bytes while it is in use.

  /// The bytes themselves, for code that copies them in bulk.
  public let bytes: UnsafeRawBufferPointer

  /// A view of `bytes`, which stay the caller's.
  public init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// A view of `count` bytes from `base`. A negative count makes an empty view.
  public init(base: UnsafeRawPointer, count: Int) {
    self.bytes = UnsafeRawBufferPointer(start: base, count: max(count, 0))
  }

  /// The address of the first byte; nil is possible where the view is empty.
  public var base: UnsafeRawPointer? { bytes.baseAddress }

  /// The size in bytes.
  public var count: Int { bytes.count }

  /// Whether there is no byte at all.
  public var isEmpty: Bool { bytes.isEmpty }

  /// The byte at `offset`, which must have been compared with `count` before.
  public subscript(offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < bytes.count)
    return bytes[offset]
  }

  /// The little-endian integer at `offset`, aligned or not; nil where it would leave the view.
  public func integer<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: T.Type) -> T? {
    guard contains(offset: offset, count: MemoryLayout<T>.size) else { return nil }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
  }

  /// The `count` bytes from `offset`; nil where they would leave the view.
  public func slice(at offset: Int, count: Int) -> ByteView? {
    guard contains(offset: offset, count: count) else { return nil }
    return ByteView(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
  }

  /// Everything from `offset` to the end; nil where `offset` is beyond the end.
  public func suffix(from offset: Int) -> ByteView? {
    guard offset >= 0, offset <= count else { return nil }
    return slice(at: offset, count: count - offset)
  }

  /// The bytes from `offset` up to a NUL, without it; nil where no NUL follows in the view.
  public func cString(at offset: Int) -> ByteView? {
    guard let rest = suffix(from: offset), let length = rest.firstIndex(of: 0) else { return nil }
    return rest.slice(at: 0, count: length)
  }

  /// The offset of the first `byte`, or nil.
  public func firstIndex(of byte: UInt8) -> Int? {
    var offset = 0
    while offset < count {
      if self[offset] == byte { return offset }
      offset += 1
    }
    return nil
  }

  /// Whether `count` bytes from `offset` are inside, written so that no sum can overflow.
  private func contains(offset: Int, count: Int) -> Bool {
    offset >= 0 && count >= 0 && offset <= self.count && count <= self.count - offset
  }
}
