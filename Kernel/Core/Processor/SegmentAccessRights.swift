/// What LAR tells of a segment (Intel SDM volume 2, LAR; the bits: volume 3, section 3.4.5).
public struct SegmentAccessRights: Sendable {
  public let rawValue: UInt32

  /// - Parameter rawValue: what LAR gives; 0 where it gives nothing.
  @inline(__always)
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  private static var writableOrReadable: UInt32 { 1 << 9 }
  private static var isCode: UInt32 { 1 << 11 }
  /// A code or data segment of privilege 3 that is present.
  private static var isUsable: UInt32 { 1 << 12 | 3 << 13 | 1 << 15 }

  private var isUsable: Bool { rawValue & Self.isUsable == Self.isUsable }

  /// Whether a program's DS, ES, FS and GS take it.
  public var isReadable: Bool { isUsable && rawValue & (Self.isCode | Self.writableOrReadable) != Self.isCode }

  /// Whether a program's SS takes it.
  public var isStack: Bool {
    isUsable && rawValue & (Self.isCode | Self.writableOrReadable) == Self.writableOrReadable
  }
}
