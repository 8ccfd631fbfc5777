/// The words of a boot line, one at a time.
///
/// Spaces part words, except between double quotes. Quotes may stand around a value (`init="/a b"`), as
/// people write them, or around the whole word (`"init=/a b"`), as GRUB rewrites a word that has a space
/// in it. There is no escape character.
public struct BootLineWords {
  /// One word and the parts that it falls into.
  public struct Word: Sendable {
    /// The word as it stands on the line.
    public let text: ByteView
    /// The word without the quotes around it.
    public let unquoted: ByteView
    /// What stands before the first `=`, or the whole word, without quotes.
    public let name: ByteView
    /// What stands after the first `=`, without quotes; nil without a `=`.
    public let value: ByteView?
    /// Whether a quote is left open, or opens or closes in the middle of a name or value.
    public let isMisquoted: Bool
    /// Whether the line ends before the quote does. The word then stops at the first space.
    public let isUnterminated: Bool
  }

  private let line: ByteView
  private var offset = 0

  public init(_ line: ByteView) {
    self.line = line
  }

  /// The rest of the line that `next` has not returned yet, from its first word on.
  public var remainder: ByteView {
    // `offset` never passes the end, so the fallback is never taken.
    line.suffix(from: endOfSpaces(from: offset)) ?? line
  }

  /// The next word, or nil at the end of the line.
  public mutating func next() -> Word? {
    let start = endOfSpaces(from: offset)
    guard start < line.count else {
      offset = line.count
      return nil
    }
    let quoted = endOfWord(from: start, heedingQuotes: true)
    let end = quoted ?? endOfWord(from: start, heedingQuotes: false) ?? line.count
    offset = end
    guard let text = line.slice(at: start, count: end - start) else { return nil }
    return Word(splitting: text, isUnterminated: quoted == nil)
  }

  private func endOfSpaces(from start: Int) -> Int {
    var end = start
    while end < line.count, isSpace(line[end]) { end += 1 }
    return end
  }

  /// Where the word at `start` ends; nil where the line ends inside a quote.
  private func endOfWord(from start: Int, heedingQuotes: Bool) -> Int? {
    var end = start
    var insideQuotes = false
    while end < line.count, insideQuotes || !isSpace(line[end]) {
      if heedingQuotes, line[end] == quote { insideQuotes.toggle() }
      end += 1
    }
    return insideQuotes ? nil : end
  }
}

extension BootLineWords.Word {
  fileprivate init(splitting text: ByteView, isUnterminated: Bool) {
    let whole = text.withoutQuotes
    self.text = text
    unquoted = whole
    if let equals = whole.firstIndex(of: UInt8(ascii: "=")) {
      name = whole.slice(at: 0, count: equals) ?? whole
      value = whole.suffix(from: equals + 1)?.withoutQuotes
    } else {
      name = whole
      value = nil
    }
    self.isUnterminated = isUnterminated
    isMisquoted = isUnterminated || name.firstIndex(of: quote) != nil || value?.firstIndex(of: quote) != nil
  }
}

extension ByteView {
  /// The view without the pair of quotes around it, where there is one.
  fileprivate var withoutQuotes: ByteView {
    guard count >= 2, self[0] == quote, self[count - 1] == quote else { return self }
    return slice(at: 1, count: count - 2) ?? self
  }
}

private var quote: UInt8 { UInt8(ascii: "\"") }

/// Whether the byte parts words: a space, a tab, a line end or another control character.
private func isSpace(_ byte: UInt8) -> Bool { byte <= UInt8(ascii: " ") }
