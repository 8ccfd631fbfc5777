@testable import Core

/// Records what a line discipline asks for.
struct RecordedEffects: TerminalEffects {
  var bytes: [UInt8] = []
  var capacity = Int.max
  var signals: [TerminalSignal] = []
  var readableCount = 0
  var urgent: [UInt8] = []
  var log: [String] = []

  var outputRoom: Int { capacity - bytes.count }
  mutating func output(_ byte: UInt8) { bytes.append(byte) }
  mutating func output(_ more: UnsafeRawBufferPointer) { bytes += more }
  mutating func outputAtOnce(_ byte: UInt8) { urgent.append(byte) }
  mutating func discardOutput() {
    bytes = []
    log.append("discard")
  }
  mutating func signal(_ signal: TerminalSignal) {
    signals.append(signal)
    log.append("signal")
  }
  mutating func becameReadable() { readableCount += 1 }
  mutating func outputStopped() { log.append("stopped") }
  mutating func outputStarted() { log.append("started") }
}

/// A terminal on which a test types, reads and writes.
final class TerminalFixture {
  private let memory = UnsafeMutableRawPointer.allocate(byteCount: LineDiscipline.storageSize, alignment: 8)
  var discipline: LineDiscipline
  var effects = RecordedEffects()

  init(_ change: (inout TerminalAttributes) -> Void = { _ in }) {
    var attributes = TerminalAttributes(
      control: TerminalAttributes.usualControl | TerminalAttributes.speed38400)
    change(&attributes)
    discipline = LineDiscipline(attributes: attributes, memory: memory)
  }

  deinit { memory.deallocate() }

  // Values of their own: an expectation cannot look into what cannot be copied.
  var hasRoom: Bool { discipline.hasRoom }
  var isStopped: Bool { discipline.isStopped }
  var readableCount: Int { discipline.readableCount }
  var isReadableForPoll: Bool { discipline.isReadableForPoll }

  func type(_ text: String) { type(Array(text.utf8)) }
  func type(_ bytes: [UInt8]) { for byte in bytes { discipline.receive(byte, &effects) } }

  /// What one read gets; nil where it would wait.
  func read(_ count: Int = 10_000) -> String? {
    if !discipline.isReadable { return nil }
    var target = [UInt8](repeating: 0, count: count)
    let result = target.withUnsafeMutableBytes { discipline.read(into: $0) }
    return String(decoding: target[0..<result.count], as: UTF8.self)
  }

  func write(_ text: String) -> Int {
    Array(text.utf8).withUnsafeBytes { discipline.write($0, &effects) }
  }

  func change(_ body: (inout TerminalAttributes) -> Void) -> Bool {
    var attributes = discipline.attributes
    body(&attributes)
    return discipline.setAttributes(attributes)
  }

  /// What the screen has got since the last look.
  func screen() -> String {
    defer { effects.bytes = [] }
    return String(decoding: effects.bytes, as: UTF8.self)
  }
}
