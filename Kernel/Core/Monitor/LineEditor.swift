/// The line that is being typed at a prompt, and the lines before it.
///
/// Knows the bytes that a terminal sends and what they do to the line; what is to be shown it tells as an
/// `Effect`. Editing is at the end of the line only.
public struct LineEditor: Sendable {
  /// The bytes that a line can hold.
  public static var capacity: Int { 160 }
  /// The earlier lines that the arrow keys bring back.
  public static var historyLimit: Int { 8 }

  /// What the terminal has to show after a byte.
  public enum Effect: Equatable, Sendable {
    case nothing
    /// The byte was added to the line.
    case added(UInt8)
    /// The line's last byte is gone.
    case erasedLast
    /// The whole line is another one; the one shown had this many bytes.
    case replaced(oldCount: Int)
    /// The line is complete.
    case entered
    /// The line was given up (Ctrl-C).
    case cancelled
    /// The key does nothing here.
    case refused
  }

  private typealias Line = InlineArray<160, UInt8>

  /// What has come of an escape sequence.
  private enum Escape { case none, started, bracket }

  private var line = Line(repeating: 0)
  public private(set) var count = 0
  private var escape = Escape.none
  /// A line feed after a carriage return belongs to it.
  private var wasReturn = false

  private var history = InlineArray<8, Line>(repeating: Line(repeating: 0))
  private var historyCounts = InlineArray<8, Int>(repeating: 0)
  /// Lines that were ever entered; the newest `historyLimit` are kept.
  private var entered = 0
  /// How many lines back the one shown is; 0 for a new one.
  private var back = 0

  public init() {}

  public subscript(index: Int) -> UInt8 { line[index] }

  /// Calls `body` with the line's bytes.
  public func withLine<Result>(_ body: (ByteView) -> Result) -> Result {
    let count = count
    return withUnsafeBytes(of: line) { body(ByteView(UnsafeRawBufferPointer(rebasing: $0[0..<count]))) }
  }

  /// Makes the line empty, after it has been used.
  public mutating func clear() {
    count = 0
    back = 0
  }

  /// Takes a byte from the terminal.
  public mutating func handle(_ byte: UInt8) -> Effect {
    let followsReturn = wasReturn
    wasReturn = byte == 13
    switch escape {
    case .none: break
    case .started:
      escape = byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") ? .bracket : .none
      return .nothing
    case .bracket:
      // Parameters of a longer sequence go by; its last byte is a letter or ~.
      if byte < 0x40 { return .nothing }
      escape = .none
      switch byte {
      case UInt8(ascii: "A"): return recall(back + 1)
      case UInt8(ascii: "B"): return recall(back - 1)
      default: return .refused
      }
    }
    switch byte {
    case 27:
      escape = .started
      return .nothing
    case 10 where followsReturn: return .nothing
    case 10, 13:
      remember()
      return .entered
    case 3:
      clear()
      return .cancelled
    case 8, 127:
      if count == 0 { return .refused }
      count -= 1
      return .erasedLast
    case 21:
      let old = count
      clear()
      return .replaced(oldCount: old)
    case 32..<127:
      if count == Self.capacity { return .refused }
      line[count] = byte
      count += 1
      return .added(byte)
    default: return .refused
    }
  }

  /// Keeps the line, unless it is empty or the newest once more.
  private mutating func remember() {
    back = 0
    if count == 0 { return }
    if entered > 0 {
      let newest = (entered - 1) % Self.historyLimit
      if historyCounts[newest] == count {
        var isSame = true
        for index in 0..<count where history[newest][index] != line[index] { isSame = false }
        if isSame { return }
      }
    }
    history[entered % Self.historyLimit] = line
    historyCounts[entered % Self.historyLimit] = count
    entered += 1
  }

  /// Shows the line that is `steps` back.
  private mutating func recall(_ steps: Int) -> Effect {
    if steps < 0 || steps > min(entered, Self.historyLimit) { return .refused }
    let old = count
    back = steps
    if steps == 0 {
      count = 0
    } else {
      let place = (entered - steps) % Self.historyLimit
      line = history[place]
      count = historyCounts[place]
    }
    return .replaced(oldCount: old)
  }
}
