/// One of Linux's 64 signals (signal(7)).
public struct Signal: RawRepresentable, Equatable, Sendable {
  /// 1 to 64.
  public let rawValue: UInt8

  /// Nil for a number that is no signal.
  @inline(__always)
  public init?(rawValue: UInt8) {
    guard rawValue >= 1, rawValue <= 64 else { return nil }
    self.rawValue = rawValue
  }

  @inline(__always)
  private init(_ number: UInt8) { rawValue = number }

  /// For a number that is known to be 1 to 64.
  @inline(__always)
  init(unchecked number: Int) { rawValue = UInt8(truncatingIfNeeded: number) }

  public static var hangup: Signal { Signal(1) }
  public static var interrupt: Signal { Signal(2) }
  public static var quit: Signal { Signal(3) }
  public static var illegalInstruction: Signal { Signal(4) }
  public static var trap: Signal { Signal(5) }
  public static var abort: Signal { Signal(6) }
  public static var bus: Signal { Signal(7) }
  public static var floatingPoint: Signal { Signal(8) }
  public static var kill: Signal { Signal(9) }
  public static var user1: Signal { Signal(10) }
  public static var segmentationFault: Signal { Signal(11) }
  public static var user2: Signal { Signal(12) }
  public static var brokenPipe: Signal { Signal(13) }
  public static var alarm: Signal { Signal(14) }
  public static var terminate: Signal { Signal(15) }
  public static var stackFault: Signal { Signal(16) }
  public static var child: Signal { Signal(17) }
  public static var `continue`: Signal { Signal(18) }
  public static var stop: Signal { Signal(19) }
  public static var terminalStop: Signal { Signal(20) }
  public static var terminalInput: Signal { Signal(21) }
  public static var terminalOutput: Signal { Signal(22) }
  public static var urgent: Signal { Signal(23) }
  public static var processorTimeLimit: Signal { Signal(24) }
  public static var fileSizeLimit: Signal { Signal(25) }
  public static var virtualAlarm: Signal { Signal(26) }
  public static var profile: Signal { Signal(27) }
  public static var windowChange: Signal { Signal(28) }
  public static var inputOutput: Signal { Signal(29) }
  public static var powerFailure: Signal { Signal(30) }
  public static var badSystemCall: Signal { Signal(31) }
  /// The first of the real-time signals: the kernel queues each of theirs.
  public static var firstRealTime: Signal { Signal(32) }

  public var isRealTime: Bool { rawValue >= 32 }

  /// As the manual page has it; one name for all real-time signals.
  public var name: StaticString {
    switch rawValue {
    case 1: "SIGHUP"
    case 2: "SIGINT"
    case 3: "SIGQUIT"
    case 4: "SIGILL"
    case 5: "SIGTRAP"
    case 6: "SIGABRT"
    case 7: "SIGBUS"
    case 8: "SIGFPE"
    case 9: "SIGKILL"
    case 10: "SIGUSR1"
    case 11: "SIGSEGV"
    case 12: "SIGUSR2"
    case 13: "SIGPIPE"
    case 14: "SIGALRM"
    case 15: "SIGTERM"
    case 16: "SIGSTKFLT"
    case 17: "SIGCHLD"
    case 18: "SIGCONT"
    case 19: "SIGSTOP"
    case 20: "SIGTSTP"
    case 21: "SIGTTIN"
    case 22: "SIGTTOU"
    case 23: "SIGURG"
    case 24: "SIGXCPU"
    case 25: "SIGXFSZ"
    case 26: "SIGVTALRM"
    case 27: "SIGPROF"
    case 28: "SIGWINCH"
    case 29: "SIGIO"
    case 30: "SIGPWR"
    case 31: "SIGSYS"
    default: "real-time signal"
    }
  }

  /// What a signal does to a process that has no handler for it and does not ignore it.
  public enum DefaultAction: Sendable {
    case terminate
    /// Ends the process as `terminate` does; Linux writes its memory to a file besides, where it may.
    case dumpCore
    case ignore
    case stop
    case `continue`
  }

  public var defaultAction: DefaultAction {
    let set = SignalSet(self)
    if SignalSet.ignoredByDefault.contains(set) { return .ignore }
    if SignalSet.stops.contains(set) { return .stop }
    if self == .continue { return .continue }
    return SignalSet.dumpsCore.contains(set) ? .dumpCore : .terminate
  }
}
