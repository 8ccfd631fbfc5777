/// When a read of a terminal in non-canonical mode returns: the four cases of VMIN and VTIME (termios(3)).
public struct TerminalReadPlan: Equatable, Sendable {
  /// A read returns with this many bytes at the latest.
  public let minimum: Int
  /// How long to wait for the first byte, in tenths of a second; nil for as long as it takes.
  public let firstDelay: Int?
  /// How long to wait for each further byte.
  public let nextDelay: Int?

  public init(_ attributes: TerminalAttributes) {
    let time = Int(attributes[.time])
    let least = Int(attributes[.minimum])
    if attributes.isCanonical {
      minimum = 1
      firstDelay = nil
      nextDelay = nil
    } else if least > 0 {
      minimum = least
      firstDelay = nil
      nextDelay = time > 0 ? time : nil
    } else {
      minimum = 1
      firstDelay = time
      nextDelay = time
    }
  }
}
