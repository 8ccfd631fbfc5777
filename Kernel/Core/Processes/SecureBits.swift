/// How the capabilities of root and of a changed user are treated (capabilities(7), "The securebits flags"): each flag
/// has a lock in the bit above it.
public struct SecureBits: OptionSet, Equatable, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A program that root runs gets no capabilities for that.
  public static var noRoot: SecureBits { SecureBits(rawValue: 1 << 0) }
  /// They do not change with the user.
  public static var noSetUserFixup: SecureBits { SecureBits(rawValue: 1 << 2) }
  /// The permitted ones outlive the change to a user other than root.
  public static var keepCapabilities: SecureBits { SecureBits(rawValue: 1 << 4) }
  /// None becomes ambient.
  public static var noAmbientRaise: SecureBits { SecureBits(rawValue: 1 << 6) }

  public static var locks: SecureBits { SecureBits(rawValue: 0xAA) }
  public static var all: SecureBits { SecureBits(rawValue: 0xFF) }

  /// Of one flag.
  public var lock: SecureBits { SecureBits(rawValue: rawValue << 1) }
}
