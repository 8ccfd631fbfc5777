/// Where a writer puts its bytes, one after the other.
public protocol ByteSink {
  mutating func write(_ byte: UInt8)
}

/// Writes one JSON value to a sink, as it comes: objects and arrays of numbers and short texts.
///
/// Indented by two blanks a level, so that a report is readable as it is.
public struct JSONWriter<Sink: ByteSink> {
  public private(set) var sink: Sink
  private var depth = 0
  /// Whether the next member or element follows another one.
  private var needsComma = false

  public init(_ sink: Sink) { self.sink = sink }

  public mutating func beginObject() { open(UInt8(ascii: "{")) }
  public mutating func endObject() { close(UInt8(ascii: "}")) }
  public mutating func beginArray() { open(UInt8(ascii: "[")) }
  public mutating func endArray() { close(UInt8(ascii: "]")) }

  /// Starts an element of an array; a member of an object starts by its key.
  public mutating func beginElement() {
    if needsComma { sink.write(UInt8(ascii: ",")) }
    needsComma = false
    startLine()
  }

  /// Starts a member of an object.
  public mutating func key(_ name: Message) {
    beginElement()
    write(name, isQuoted: true)
    sink.write(UInt8(ascii: ":"))
    sink.write(UInt8(ascii: " "))
  }

  /// A value that is written as it is: a number.
  public mutating func number(_ digits: Message) {
    write(digits, isQuoted: false)
    needsComma = true
  }

  public mutating func string(_ text: Message) {
    write(text, isQuoted: true)
    needsComma = true
  }

  private mutating func open(_ bracket: UInt8) {
    sink.write(bracket)
    depth += 1
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    depth -= 1
    if needsComma { startLine() }
    sink.write(bracket)
    needsComma = true
    if depth == 0 { sink.write(UInt8(ascii: "\n")) }
  }

  private mutating func startLine() {
    sink.write(UInt8(ascii: "\n"))
    for _ in 0..<depth * 2 { sink.write(UInt8(ascii: " ")) }
  }

  private mutating func write(_ text: Message, isQuoted: Bool) {
    if isQuoted { sink.write(UInt8(ascii: "\"")) }
    for index in 0..<text.count {
      let byte = text[index]
      if isQuoted, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { sink.write(UInt8(ascii: "\\")) }
      // What a JSON text may not hold is not worth an escape here.
      if byte >= 32 { sink.write(byte) }
    }
    if isQuoted { sink.write(UInt8(ascii: "\"")) }
  }
}
