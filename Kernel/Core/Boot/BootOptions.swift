/// What the boot line asks for. An option that was not given is nil, and the kernel chooses.
public struct BootOptions: Sendable {
  /// `fpu.strategy=`: when FPU state is loaded.
  public var strategy: FPUStrategy?
  /// `fpu.save=`: the save instruction to force, which the CPU may yet lack.
  public var saveInstruction: SaveInstruction?
  /// `cpus=`: how many CPUs to start at most, the first included.
  public var maximumCPUs: Int?
  /// `init=`: the path of the first program.
  public var initPath: ByteView?
  /// `rdinit=`: the same, and it counts before `init=`: on Linux it names a program of the archive.
  public var ramDiskInitPath: ByteView?
  /// `run=`, or one of its bare words.
  public var run: BootRun?
  /// `selftest=`: run only the tests whose name contains these bytes.
  public var selfTestFilter: ByteView?
  /// `selftest.long`: run the tests that take minutes, too.
  public var runsLongSelfTests = false
  /// `poweroff`: power off after the run, where a prompt would wait otherwise.
  public var powersOffAfterRun = false
  /// `monitor`: show the kernel's prompt once the first program has ended.
  public var showsMonitorAfterRun = false
  /// `seed=`: where the kernel's random choices in tests start.
  public var seed: UInt64?
  /// Everything after `--`, for init; nil where the line has no `--`. `BootLineWords` splits it.
  public var initArguments: ByteView?
  /// The whole line, in which init's words are found again.
  public internal(set) var line = ByteView(UnsafeRawBufferPointer(start: nil, count: 0))

  /// Whether the first program is to run: where the line says so, or names nothing else to run.
  public var runsInit: Bool { run == nil || run == .`init` }

  /// The largest value that `cpus=` takes.
  public static let largestMaximumCPUs = 64

  /// Nothing asked for.
  public init() {}
}

/// What the kernel does once it is up.
public enum BootRun: UInt8, CaseIterable, Sendable {
  /// A prompt on the serial line.
  case monitor
  /// Every strategy in turn under load, and a table.
  case tour
  /// The in-guest tests.
  case selftest
  /// The cost of each operation.
  case bench
  /// The first user program, as on any other system.
  case `init`

  /// The word that selects it on the boot line (`run=`).
  public var name: StaticString {
    switch self {
    case .monitor: "monitor"
    case .tour: "tour"
    case .selftest: "selftest"
    case .bench: "bench"
    case .`init`: "init"
    }
  }
}
