/// What a clone shares with its parent, and what is stored where (clone(2)).
public struct CloneFlags: OptionSet, Equatable, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public static var memory: CloneFlags { CloneFlags(rawValue: 0x100) }
  public static var fileSystem: CloneFlags { CloneFlags(rawValue: 0x200) }
  public static var files: CloneFlags { CloneFlags(rawValue: 0x400) }
  public static var signalHandlers: CloneFlags { CloneFlags(rawValue: 0x800) }
  public static var processDescriptor: CloneFlags { CloneFlags(rawValue: 0x1000) }
  public static var traced: CloneFlags { CloneFlags(rawValue: 0x2000) }
  public static var vfork: CloneFlags { CloneFlags(rawValue: 0x4000) }
  public static var parent: CloneFlags { CloneFlags(rawValue: 0x8000) }
  public static var thread: CloneFlags { CloneFlags(rawValue: 0x1_0000) }
  public static var newMounts: CloneFlags { CloneFlags(rawValue: 0x2_0000) }
  public static var semaphores: CloneFlags { CloneFlags(rawValue: 0x4_0000) }
  public static var setThreadStorage: CloneFlags { CloneFlags(rawValue: 0x8_0000) }
  public static var setParentThreadID: CloneFlags { CloneFlags(rawValue: 0x10_0000) }
  public static var clearChildThreadID: CloneFlags { CloneFlags(rawValue: 0x20_0000) }
  public static var detached: CloneFlags { CloneFlags(rawValue: 0x40_0000) }
  public static var untraced: CloneFlags { CloneFlags(rawValue: 0x80_0000) }
  public static var setChildThreadID: CloneFlags { CloneFlags(rawValue: 0x100_0000) }
  public static var inputOutput: CloneFlags { CloneFlags(rawValue: 0x8000_0000) }
  public static var clearSignalHandlers: CloneFlags { CloneFlags(rawValue: 0x1_0000_0000) }

  /// New namespaces of any kind, which this kernel does not have.
  static var namespaces: CloneFlags { CloneFlags(rawValue: 0x7E02_0080) }
  /// What clone3 knows.
  static var known: CloneFlags { CloneFlags(rawValue: 0x1_FFFF_FF00) }

  /// Whether the flags fit together, for either call; EINVAL otherwise.
  public var isConsistent: Bool {
    if contains(.thread), !contains(.signalHandlers) { return false }
    if contains(.signalHandlers), !contains(.memory) { return false }
    if contains(.signalHandlers), contains(.clearSignalHandlers) { return false }
    if contains(.processDescriptor), !isDisjoint(with: [.thread, .detached]) { return false }
    return isDisjoint(with: .namespaces)
  }
}

/// Linux's `struct clone_args` (clone3(2)), as far as it goes: 88 bytes, of which a program may know the
/// first 64 only.
public struct CloneArguments: BitwiseCopyable, Sendable {
  public var flags: UInt64 = 0
  public var processDescriptor: UInt64 = 0
  public var childThreadID: UInt64 = 0
  public var parentThreadID: UInt64 = 0
  public var exitSignal: UInt64 = 0
  public var stack: UInt64 = 0
  public var stackSize: UInt64 = 0
  public var threadStorage: UInt64 = 0
  public var identifiers: UInt64 = 0
  public var identifierCount: UInt64 = 0
  public var controlGroup: UInt64 = 0

  public init() {}

  /// The size of the first version.
  public static var smallestSize: UInt64 { 64 }

  /// Whether clone3 takes them; EINVAL otherwise.
  ///
  /// - Parameter addressLimit: the first address behind user memory.
  public func isValid(addressLimit: UInt64) -> Bool {
    let flags = CloneFlags(rawValue: flags)
    guard CloneFlags.known.isSuperset(of: flags), flags.isConsistent, !flags.contains(.detached) else {
      return false
    }
    // Choosing identifiers is for who restores a saved process.
    guard identifiers == 0, identifierCount == 0 else { return false }
    guard exitSignal <= 64 else { return false }
    if !flags.isDisjoint(with: [.thread, .parent]), exitSignal != 0 { return false }
    if stack == 0 { return stackSize == 0 }
    return stackSize > 0 && stack < addressLimit && stackSize <= addressLimit - stack
  }
}
