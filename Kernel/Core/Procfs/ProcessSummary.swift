/// The letter for what a process or a thread is doing (proc_pid_stat(5), state).
public enum ProcessState: UInt8, Sendable {
  case running = 82  // R
  case sleeping = 83  // S
  case stopped = 84  // T
  case traced = 116  // t
  case zombie = 90  // Z
  case dead = 88  // X

  /// As /proc/PID/status writes it out.
  public var name: StaticString {
    switch self {
    case .running: "R (running)"
    case .sleeping: "S (sleeping)"
    case .stopped: "T (stopped)"
    case .traced: "t (tracing stop)"
    case .zombie: "Z (zombie)"
    case .dead: "X (dead)"
    }
  }
}

/// A process or one of its threads as /proc/PID/stat, status and statm tell of it: a copy, taken at one moment.
public struct ProcessSummary: Sendable {
  public var identifier: Int32 = 0
  /// The process's, of a thread too.
  public var processIdentifier: Int32 = 0
  /// At most 15 bytes, then zeros.
  public var name = InlineArray<16, UInt8>(repeating: 0)
  public var state = ProcessState.running
  public var parent: Int32 = 0
  /// Who traces it (ptrace(2)); 0 for nobody.
  public var tracer: Int32 = 0
  public var group: Int32 = 0
  public var session: Int32 = 0
  /// The controlling terminal's device number; 0 for none.
  public var terminal: UInt32 = 0
  /// The terminal's foreground group; -1 without a terminal.
  public var foregroundGroup: Int32 = -1
  public var threadCount = 0

  // MARK: Time, in hundredths of a second

  public var userTime: UInt64 = 0
  public var systemTime: UInt64 = 0
  public var childUserTime: UInt64 = 0
  public var childSystemTime: UInt64 = 0
  /// When it began, since the machine's start.
  public var startTime: UInt64 = 0

  // MARK: Scheduling

  public var nice: Int8 = 0
  public var cpu: Int32 = 0
  /// sched(7): the number of the policy, and the priority of the real-time ones.
  public var policy: UInt32 = 0
  public var realTimePriority: UInt32 = 0
  public var affinity: UInt64 = 0
  /// The number of CPUs that affinities speak of.
  public var cpuCount = 1
  public var pageFaults: UInt64 = 0
  public var childPageFaults: UInt64 = 0
  public var voluntarySwitches: UInt64 = 0
  public var involuntarySwitches: UInt64 = 0

  // MARK: Memory

  public var memory = MemorySummary()

  // MARK: Signals

  public var pending: UInt64 = 0
  public var sharedPending: UInt64 = 0
  public var blocked: UInt64 = 0
  public var ignored: UInt64 = 0
  public var caught: UInt64 = 0
  public var exitSignal: UInt8 = 17
  public var queuedSignals: UInt64 = 0
  public var queuedSignalLimit: UInt64 = 0
  /// As wait4 would report it; shown to who may look into the process.
  public var exitStatus: Int32 = 0

  // MARK: Who it is

  public var credentials = Credentials()
  public var umask: UInt32 = 0
  /// The size of the table of descriptors.
  public var descriptorTableSize = 0

  public init() {}
}

/// The memory of a process, for the same.
public struct MemorySummary: Sendable {
  /// Whether there is any: not in a zombie.
  public var isPresent = false
  /// In bytes, as all that follows.
  public var mapped: UInt64 = 0
  public var resident: UInt64 = 0
  /// Of what is resident: files, and memory that several processes share.
  public var residentFiles: UInt64 = 0
  public var residentShared: UInt64 = 0
  public var locked: UInt64 = 0
  public var data: UInt64 = 0
  public var stack: UInt64 = 0
  /// The program's own code, and that of libraries.
  public var executable: UInt64 = 0
  public var libraries: UInt64 = 0
  public var pageTables: UInt64 = 0

  // Addresses.
  public var code: Range<UInt64> = 0..<0
  public var dataSegment: Range<UInt64> = 0..<0
  public var heapStart: UInt64 = 0
  public var stackStart: UInt64 = 0
  public var arguments: Range<UInt64> = 0..<0
  public var environment: Range<UInt64> = 0..<0

  public init() {}
}
