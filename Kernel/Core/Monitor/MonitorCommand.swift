/// What was asked for at the monitor's prompt.
public enum MonitorCommand: Sendable {
  case nothing
  case help
  case tour
  /// The tests whose name contains the filter; all without one.
  case selfTest(filter: ByteView?)
  case counters
  case threads
  case cpus
  case memory
  /// Change the strategy, or show it.
  case strategy(FPUStrategy?)
  /// Change the save instruction, or show it.
  case save(SaveInstruction?)
  case run(path: ByteView, arguments: ByteView)
  /// Panic on purpose; only where the word `yes` stood behind it.
  case panic(isConfirmed: Bool)
  case powerOff
  /// No command of that name.
  case unknown(ByteView)
  /// The command is known, but what stands behind it is not what it takes.
  case wrongArgument(ByteView, usage: StaticString)

  /// Reads a line.
  public init(parsing line: ByteView) {
    var rest = line
    guard let name = rest.takeWord() else {
      self = .nothing
      return
    }
    let argument = rest.trimmed
    var words = argument
    let first = words.takeWord()
    // The commands that take nothing or one word.
    func alone(_ command: MonitorCommand, _ usage: StaticString) -> MonitorCommand {
      first == nil ? command : .wrongArgument(argument, usage: usage)
    }
    if name == "help" || name == "?" {
      self = .help
    } else if name == "tour" {
      self = alone(.tour, "tour")
    } else if name == "selftest" {
      self = .selfTest(filter: first)
    } else if name == "counters" {
      self = alone(.counters, "counters")
    } else if name == "threads" {
      self = alone(.threads, "threads")
    } else if name == "cpus" {
      self = alone(.cpus, "cpus")
    } else if name == "memory" {
      self = alone(.memory, "memory")
    } else if name == "strategy" {
      let usage: StaticString = "strategy eager, strategy lazy or strategy deferred"
      if let first {
        self = FPUStrategy(named: first).map { .strategy($0) } ?? .wrongArgument(argument, usage: usage)
      } else {
        self = .strategy(nil)
      }
    } else if name == "save" {
      let usage: StaticString = "save fxsave, xsave, xsaveopt, xsavec or xsaves"
      if let first {
        self = SaveInstruction(named: first).map { .save($0) } ?? .wrongArgument(argument, usage: usage)
      } else {
        self = .save(nil)
      }
    } else if name == "run" {
      if let first {
        self = .run(path: first, arguments: words.trimmed)
      } else {
        self = .wrongArgument(argument, usage: "run PATH [arguments], such as run /bin/sse --rounds 10")
      }
    } else if name == "panic" {
      self = .panic(isConfirmed: argument == "yes")
    } else if name == "poweroff" {
      self = alone(.powerOff, "poweroff")
    } else {
      self = .unknown(name)
    }
  }
}

extension ByteView {
  /// The view without blanks at either end.
  var trimmed: ByteView {
    var start = 0
    var end = count
    while start < end, self[start] == UInt8(ascii: " ") { start += 1 }
    while end > start, self[end - 1] == UInt8(ascii: " ") { end -= 1 }
    return slice(at: start, count: end - start) ?? self
  }

  /// Takes the first word off the view; nil where there is none.
  mutating func takeWord() -> ByteView? {
    let text = trimmed
    var length = 0
    while length < text.count, text[length] != UInt8(ascii: " ") { length += 1 }
    guard length > 0, let word = text.slice(at: 0, count: length), let rest = text.suffix(from: length)
    else { return nil }
    self = rest
    return word
  }
}
