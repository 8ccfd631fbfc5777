/// A set of Linux's capabilities (capabilities(7)), a bit each.
public struct Capabilities: OptionSet, Equatable, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  private init(bit: UInt64) { rawValue = 1 << bit }

  /// The number of the last one (CAP_CHECKPOINT_RESTORE).
  public static var last: UInt64 { 40 }
  public static var all: Capabilities { Capabilities(rawValue: (1 << (last + 1)) - 1) }

  /// Those that root has for files: what setfsuid(2) takes and gives.
  public static var ofFileSystem: Capabilities {
    [
      .changeOwner, .overridePermissions, .searchDirectories, .fileOwner, .keepSetIDBits, Capabilities(bit: 9),
      .makeDevices, Capabilities(bit: 32),
    ]
  }

  public static var changeOwner: Capabilities { Capabilities(bit: 0) }
  public static var overridePermissions: Capabilities { Capabilities(bit: 1) }
  public static var searchDirectories: Capabilities { Capabilities(bit: 2) }
  public static var fileOwner: Capabilities { Capabilities(bit: 3) }
  public static var keepSetIDBits: Capabilities { Capabilities(bit: 4) }
  public static var kill: Capabilities { Capabilities(bit: 5) }
  public static var setGroupIDs: Capabilities { Capabilities(bit: 6) }
  public static var setUserIDs: Capabilities { Capabilities(bit: 7) }
  public static var setCapabilities: Capabilities { Capabilities(bit: 8) }
  /// CAP_SYS_PTRACE
  public static var inspectProcesses: Capabilities { Capabilities(bit: 19) }
  public static var lockMemory: Capabilities { Capabilities(bit: 14) }
  /// CAP_IPC_OWNER
  public static var overrideInterProcessPermissions: Capabilities { Capabilities(bit: 15) }
  public static var trace: Capabilities { Capabilities(bit: 19) }
  public static var rawInputOutput: Capabilities { Capabilities(bit: 17) }
  public static var administration: Capabilities { Capabilities(bit: 21) }
  public static var reboot: Capabilities { Capabilities(bit: 22) }
  public static var raisePriority: Capabilities { Capabilities(bit: 23) }
  public static var exceedLimits: Capabilities { Capabilities(bit: 24) }
  public static var setTime: Capabilities { Capabilities(bit: 25) }
  public static var makeDevices: Capabilities { Capabilities(bit: 27) }
  public static var readLog: Capabilities { Capabilities(bit: 34) }
  public static var checkpoint: Capabilities { Capabilities(bit: 40) }
}
