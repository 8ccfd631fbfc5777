/// What the kernel tells a program at its start beside arguments and environment: pairs of a kind and a value
/// (getauxval(3)).
public struct AuxiliaryVector: Sendable {
  public enum Kind: UInt64, Sendable {
    case programHeaders = 3
    case programHeaderSize = 4
    case programHeaderCount = 5
    case pageSize = 6
    /// Where the program's interpreter is; 0 for none.
    case base = 7
    case flags = 8
    case entry = 9
    case userID = 11
    case effectiveUserID = 12
    case groupID = 13
    case effectiveGroupID = 14
    /// The address of the processor's name.
    case platform = 15
    case hardwareCapabilities = 16
    case clockTicks = 17
    /// 1 where the program has more privileges than who started it.
    case secure = 23
    /// The address of 16 random bytes.
    case random = 25
    case hardwareCapabilities2 = 26
    /// The address of the path that was started.
    case executablePath = 31
    case virtualDynamicObject = 33
    case minimalSignalStack = 51
  }

  /// Pairs that there is room for, the one at the end included.
  public static var capacity: Int { 24 }
  private var words = InlineArray<48, UInt64>(repeating: 0)
  private var used = 0

  public init() {}

  /// Words in all, with the pair of zeros at the end.
  public var wordCount: Int { used &+ 2 }

  public subscript(index: Int) -> UInt64 { words[index] }

  /// Adds a pair; nothing where there is no room.
  public mutating func append(_ kind: Kind, _ value: UInt64) {
    guard used &+ 4 <= words.count else { return }
    words[used] = kind.rawValue
    words[used &+ 1] = value
    used &+= 2
  }
}
