/// Where a traced thread stands with its tracer (ptrace(2), "Stopped states"): whether it is stopped and why, what
/// wait4(2) has to report of that, and what it is to do next.
public struct TraceState: Sendable {
  /// Why a tracee is stopped.
  public enum Stop: UInt8, Sendable {
    /// It runs, as far as its tracer is concerned.
    case none
    /// A signal is about to be delivered.
    case signalDelivery
    /// Its process stops, and it was attached to.
    case group
    case systemCallEntry
    case systemCallExit
    /// One of `TraceEvent`'s, except `stop`.
    case event
    /// PTRACE_EVENT_STOP: its process stops or it was interrupted, and it was seized.
    case trap
  }

  public private(set) var stop = Stop.none
  /// The signal of the stop, and in bits 8 to 15 the event: what wait4(2) shows above bit 8.
  public private(set) var code: Int32 = 0
  /// Whether the tracer has not waited for the stop.
  private var isUnreported = false
  /// PTRACE_LISTEN: it stays stopped, and its tracer may do nothing with it.
  public private(set) var isListening = false
  /// Whether it is to stop as soon as it can (PTRACE_INTERRUPT, the start of a seized thread).
  private var hasInterrupt = false
  /// Whether its process has stopped or gone on, which a seized tracee's tracer is told of by another stop.
  private var hasNotice = false
  /// The signal that the tracer has it go on with; 0 for none.
  public private(set) var injectedSignal: UInt8 = 0

  public init() {}

  /// Whether the tracer may look at it and change it.
  public var isUsable: Bool { stop != .none && !isListening }

  /// Whether it is to stop with PTRACE_EVENT_STOP before its next instruction.
  public var wantsTrap: Bool { hasInterrupt || hasNotice }

  /// It stops.
  public mutating func begin(_ stop: Stop, code: Int32) {
    self.stop = stop
    self.code = code
    isUnreported = true
    isListening = false
    injectedSignal = 0
    if stop == .trap {
      hasInterrupt = false
      hasNotice = false
    }
  }

  /// What wait4(2) is to report; nil for nothing.
  ///
  /// - Parameter leaves: whether it can be reported again (WNOWAIT).
  public mutating func takeReport(leaves: Bool) -> Int32? {
    guard isUsable, isUnreported else { return nil }
    if !leaves { isUnreported = false }
    return code << 8 | 0x7F
  }

  /// The tracer has it go on.
  ///
  /// - Parameter signal: 0 for none; of a number that is a signal's.
  public mutating func resume(signal: UInt8) {
    injectedSignal = signal
    end()
  }

  /// It goes on, whatever its tracer wants: it was killed, or its tracer has gone.
  public mutating func end() {
    stop = .none
    isUnreported = false
    isListening = false
  }

  /// PTRACE_LISTEN. False for a stop of another kind.
  ///
  /// What has happened since the stop began ends it at once: `mayStay` is false then.
  public mutating func listen() -> Bool {
    guard stop == .trap else { return false }
    isListening = true
    return true
  }

  /// Whether the thread stays where it is.
  public var mayStay: Bool { stop != .none && !(isListening && wantsTrap) }

  /// PTRACE_INTERRUPT, or the start of a thread whose creator is seized.
  public mutating func interrupt() { hasInterrupt = true }

  /// The process of a seized tracee has stopped anew or goes on.
  public mutating func notice() { hasNotice = true }

  /// The thread has stopped for its process by another way than `trap`, so that there is nothing left to tell.
  public mutating func clearNotice() { hasNotice = false }
}
