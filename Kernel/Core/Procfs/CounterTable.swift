/// A table with a column for each CPU, as /proc/interrupts is.
public struct CounterTable {
  private let cpuCount: Int

  public init(cpuCount: Int) { self.cpuCount = cpuCount }

  /// Writes the line above: `CPU0` and so on.
  public func writeHeader(to text: inout TextBuffer, labelWidth: Int) {
    let start = text.needed
    text.pad(from: start, to: labelWidth)
    for cpu in 0..<cpuCount {
      let start = text.needed
      text.put("       CPU")
      text.put(cpu)
      text.pad(from: start, to: 11)
    }
    text.put("\n")
  }

  /// Writes a line of numbers.
  ///
  /// - Parameters:
  ///   - label: without its colon; right-aligned in `labelWidth` columns.
  ///   - note: what follows the numbers.
  public func writeRow(
    _ label: StaticString, labelWidth: Int, note: StaticString, to text: inout TextBuffer,
    _ value: (Int) -> UInt64
  ) {
    let start = text.needed
    text.pad(from: start, to: labelWidth - label.utf8CodeUnitCount - 1)
    text.put(label)
    text.put(":")
    for cpu in 0..<cpuCount {
      text.put(" ")
      text.put(value(cpu), width: 10)
    }
    if note.utf8CodeUnitCount > 0 {
      text.put("  ")
      text.put(note)
    }
    text.put("\n")
  }
}
