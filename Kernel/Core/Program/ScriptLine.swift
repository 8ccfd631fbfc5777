/// The first line of a script: `#!`, the program that is to run it, and at most one argument (execve(2)).
public struct ScriptLine: Sendable {
  /// How much of a file is looked at; what the line has beyond that is cut off, and so is its last byte, where the end
  /// of the line might have been.
  public static var limit: Int { 256 }

  public let interpreter: ByteView
  /// All that follows the interpreter, blanks at both ends left out; nil for nothing.
  public let argument: ByteView?

  /// Whether a file begins as a script does.
  public static func begins(_ file: ByteView) -> Bool { file.hasPrefix("#!") }

  /// - Parameter file: its first bytes, `limit` of them where it has as many.
  /// - Returns: nil where no interpreter is named, or its path does not end within the limit.
  public init?(_ file: ByteView) {
    guard Self.begins(file) else { return nil }
    let count = min(file.count, Self.limit)
    var end = 2
    while end < count, file[end] != UInt8(ascii: "\n"), file[end] != 0 { end += 1 }
    // A file that is shorter than the limit is followed by zeros.
    let isWhole = end < count || file.count < Self.limit
    if !isWhole { end = Self.limit - 1 }
    let cut = end
    var start = 2
    while start < end, Self.isBlank(file[start]) { start += 1 }
    while end > start, Self.isBlank(file[end - 1]) { end -= 1 }
    var nameEnd = start
    while nameEnd < end, !Self.isBlank(file[nameEnd]) { nameEnd += 1 }
    // A name that may go on behind the cut is none.
    let isComplete = isWhole || nameEnd < cut || Self.isBlank(file[cut])
    guard nameEnd > start, isComplete, let name = file.slice(at: start, count: nameEnd - start) else {
      return nil
    }
    interpreter = name
    var rest = nameEnd
    while rest < end, Self.isBlank(file[rest]) { rest += 1 }
    argument = rest < end ? file.slice(at: rest, count: end - rest) : nil
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
