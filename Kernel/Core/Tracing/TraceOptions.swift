/// What a tracer has asked to be told of (ptrace(2), PTRACE_SETOPTIONS), with Linux's values.
public struct TraceOptions: OptionSet, Sendable {
  public let rawValue: UInt64

  @inline(__always)
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Stops at system calls are told from other SIGTRAPs (PTRACE_O_TRACESYSGOOD).
  public static var marksSystemCalls: TraceOptions { TraceOptions(rawValue: 1) }
  public static var fork: TraceOptions { TraceOptions(rawValue: 1 << 1) }
  public static var vfork: TraceOptions { TraceOptions(rawValue: 1 << 2) }
  public static var clone: TraceOptions { TraceOptions(rawValue: 1 << 3) }
  public static var execute: TraceOptions { TraceOptions(rawValue: 1 << 4) }
  public static var vforkDone: TraceOptions { TraceOptions(rawValue: 1 << 5) }
  public static var exit: TraceOptions { TraceOptions(rawValue: 1 << 6) }
  /// Accepted: there are no filters of system calls that could ask for a stop.
  public static var filter: TraceOptions { TraceOptions(rawValue: 1 << 7) }
  /// The tracee is killed when its tracer ends (PTRACE_O_EXITKILL).
  public static var killsAtEnd: TraceOptions { TraceOptions(rawValue: 1 << 20) }

  public static var all: TraceOptions { TraceOptions(rawValue: 0xFF | 1 << 20) }
}

/// The events that stop a tracee where its tracer asked for them (PTRACE_EVENT_*), by Linux's numbers.
public enum TraceEvent: Int32, Sendable {
  case fork = 1
  case vfork = 2
  case clone = 3
  case execute = 4
  case vforkDone = 5
  case exit = 6
  /// A stop of a tracee that was seized: by PTRACE_INTERRUPT, or with its process.
  case stop = 128

  /// The option that asks for it; nil for one that needs none.
  public var option: TraceOptions? {
    switch self {
    case .fork: .fork
    case .vfork: .vfork
    case .clone: .clone
    case .execute: .execute
    case .vforkDone: .vforkDone
    case .exit: .exit
    case .stop: nil
    }
  }

  /// The event of a clone(2), as Linux tells its kinds apart.
  public static func ofClone(isVfork: Bool, exitSignal: UInt64) -> TraceEvent {
    if isVfork { return .vfork }
    return exitSignal == UInt64(Signal.child.rawValue) ? .fork : .clone
  }
}
