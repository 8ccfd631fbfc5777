import Testing

@testable import Core

@Suite struct MonitorCommandTests {
  /// What a line is read as, in words.
  private func read(_ line: String) -> String {
    let bytes = Array(line.utf8)
    return bytes.withUnsafeBytes { buffer in
      func text(_ view: ByteView) -> String { String(decoding: view.bytes, as: UTF8.self) }
      switch MonitorCommand(parsing: ByteView(buffer)) {
      case .nothing: return "nothing"
      case .help: return "help"
      case .tour: return "tour"
      case .selfTest(let filter): return "selftest \(filter.map(text) ?? "all")"
      case .counters: return "counters"
      case .threads: return "threads"
      case .cpus: return "cpus"
      case .memory: return "memory"
      case .strategy(let strategy): return "strategy \(strategy.map { "\($0)" } ?? "?")"
      case .save(let instruction): return "save \(instruction.map { "\($0)" } ?? "?")"
      case .run(let path, let arguments): return "run <\(text(path))> <\(text(arguments))>"
      case .panic(let isConfirmed): return "panic \(isConfirmed)"
      case .powerOff: return "poweroff"
      case .unknown(let name): return "unknown <\(text(name))>"
      case .wrongArgument(let argument, _): return "wrong <\(text(argument))>"
      }
    }
  }

  @Test(arguments: [
    ("", "nothing"), ("   ", "nothing"), ("help", "help"), ("?", "help"), (" tour ", "tour"),
    ("selftest", "selftest all"), ("selftest fpu", "selftest fpu"), ("counters", "counters"),
    ("threads", "threads"), ("cpus", "cpus"), ("memory", "memory"), ("poweroff", "poweroff"),
    ("strategy", "strategy ?"), ("strategy lazy", "strategy lazy"), ("save", "save ?"),
    ("save xsave", "save xsave"), ("run /bin/sse", "run </bin/sse> <>"),
    ("run  /bin/sse   --rounds 10 ", "run </bin/sse> <--rounds 10>"),
    ("panic", "panic false"), ("panic yes", "panic true"), ("panic now", "panic false"),
  ])
  func commandsAreRead(line: String, meaning: String) {
    #expect(read(line) == meaning)
  }

  @Test(arguments: [
    ("tours", "unknown <tours>"), ("TOUR", "unknown <TOUR>"), ("strategy fast", "wrong <fast>"),
    ("save fxrstor", "wrong <fxrstor>"), ("run", "wrong <>"), ("tour now", "wrong <now>"),
    ("poweroff later", "wrong <later>"),
  ])
  func whatIsNoCommandIsNamed(line: String, meaning: String) {
    #expect(read(line) == meaning)
  }
}
