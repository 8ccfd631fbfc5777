/// What is refused of a file in memory for good (fcntl(2), File Sealing), with Linux's values.
public struct FileSeals: OptionSet, BitwiseCopyable, Sendable {
  public let rawValue: UInt32

  @inline(__always)
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static var seal: FileSeals { FileSeals(rawValue: 0x1) }  // F_SEAL_SEAL
  public static var shrink: FileSeals { FileSeals(rawValue: 0x2) }  // F_SEAL_SHRINK
  public static var grow: FileSeals { FileSeals(rawValue: 0x4) }  // F_SEAL_GROW
  public static var write: FileSeals { FileSeals(rawValue: 0x8) }  // F_SEAL_WRITE
  public static var futureWrite: FileSeals { FileSeals(rawValue: 0x10) }  // F_SEAL_FUTURE_WRITE
  public static var all: FileSeals { FileSeals(rawValue: 0x1F) }

  /// Whether nobody may begin to write.
  @inline(__always)
  public var refusesWrites: Bool { !isDisjoint(with: [.write, .futureWrite]) }

  /// Whether a file may get another size.
  ///
  /// - Throws: EPERM.
  public func checkSize(_ size: UInt64, was old: UInt64) throws(Errno) {
    if size < old && contains(.shrink) || size > old && contains(.grow) { throw .notPermitted }
  }

  /// - Throws: EPERM.
  public func checkWrite() throws(Errno) {
    if refusesWrites { throw .notPermitted }
  }

  /// How much of a write is let through. Linux writes page by page: what fills whole pages up to the end of a file
  /// that may not grow is written, and the piece that would go beyond it is not.
  ///
  /// - Parameters:
  ///   - offset: where the write begins.
  ///   - count: how many bytes it has; the end is no more than 2^63.
  ///   - size: of the file.
  /// - Throws: EPERM for nothing at all.
  public func writableCount(at offset: UInt64, count: Int, size: UInt64) throws(Errno) -> Int {
    try checkWrite()
    if !contains(.grow) || offset &+ UInt64(count) <= size { return count }
    let end = size & ~4095
    guard offset < end else { throw .notPermitted }
    return Int(end &- offset)
  }
}
