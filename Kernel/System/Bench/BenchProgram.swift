import Core
import Machine

/// Runs `/bin/bench`, the half of the benchmark that measures from user mode, and takes in what it prints.
///
/// A line is `bench NAME TICKS` or `bench-switches NAME N of M`; any other is a complaint, which is passed
/// on.
enum BenchProgram {
  nonisolated(unsafe) private static var figures: BenchFigures?
  /// Goes before the name of each figure.
  nonisolated(unsafe) private static var prefix: StaticString = ""
  nonisolated(unsafe) private static var hasFailed = false

  /// - Returns: false where the program could not be started, failed or complained.
  static func run(
    _ arguments: StaticString, prefix: StaticString = "", into results: inout BenchFigures
  ) -> Bool {
    figures = results
    self.prefix = prefix
    hasFailed = false
    Console.programOutput = { start, count in
      BenchProgram.take(UnsafeRawBufferPointer(start: start, count: count))
    }
    defer {
      Console.programOutput = nil
      results = figures ?? results
      figures = nil
    }
    do throws(ProgramError) {
      let ending = try Programs.start("/bin/bench", arguments).waitForEnd()
      if ending != .exited(code: 0) {
        log("/bin/bench \(arguments) failed")
        return false
      }
    } catch {
      log("/bin/bench: \(error.message)")
      return false
    }
    return !hasFailed
  }

  /// One write of the program: a whole line.
  private static func take(_ bytes: UnsafeRawBufferPointer) {
    let line = ByteView(bytes)
    var words = BenchWords(line)
    let kind = words.next()
    if let kind, kind == "bench", let name = words.next(), let value = words.nextNumber() {
      figures?.add("\(prefix)\(name.bytes)", value)
    } else if let kind, kind == "bench-switches", words.next() != nil,
      let alternations = words.nextNumber(), words.next() != nil, let turns = words.nextNumber()
    {
      if alternations != turns { complain(bytes) }
    } else {
      complain(bytes)
    }
  }

  private static func complain(_ bytes: UnsafeRawBufferPointer) {
    hasFailed = true
    log("/bin/bench: \(bytes)")
  }
}

/// The words of a line, separated by blanks.
private struct BenchWords {
  private let line: ByteView
  private var position = 0

  init(_ line: ByteView) { self.line = line }

  mutating func next() -> ByteView? {
    while position < line.count, line[position] <= UInt8(ascii: " ") { position += 1 }
    let start = position
    while position < line.count, line[position] > UInt8(ascii: " ") { position += 1 }
    return position == start ? nil : line.slice(at: start, count: position - start)
  }

  mutating func nextNumber() -> UInt64? { next()?.unsignedInteger }
}
