/// The signals that keys send to the foreground process group.
public enum TerminalSignal: UInt8, Sendable {
  case interrupt = 2  // SIGINT
  case quit = 3  // SIGQUIT
  case stop = 20  // SIGTSTP
}

/// What follows from a byte that the line discipline has taken: filled by whoever owns the terminal.
public protocol TerminalEffects {
  /// How many bytes the output has room for. Echo that does not fit is dropped.
  var outputRoom: Int { get }
  /// Bytes for the terminal's screen, as they are.
  mutating func output(_ byte: UInt8)
  mutating func output(_ bytes: UnsafeRawBufferPointer)
  /// A byte for the other side that overtakes what waits for output: flow control's.
  mutating func outputAtOnce(_ byte: UInt8)
  /// Throws away what waits for output.
  mutating func discardOutput()
  /// For the foreground process group.
  mutating func signal(_ signal: TerminalSignal)
  /// There is something to read now.
  mutating func becameReadable()
  /// Output was stopped (Ctrl-S) or goes on (Ctrl-Q).
  mutating func outputStopped()
  mutating func outputStarted()
}
