/// Comparison with text and with other bytes. Bytes are compared as they are: no Unicode table is needed.
extension ByteView: Equatable {
  /// Whether both views hold the same bytes.
  public static func == (left: ByteView, right: ByteView) -> Bool {
    left.count == right.count && left.hasPrefix(right)
  }

  /// Whether the view holds exactly the UTF-8 bytes of `text`.
  public static func == (view: ByteView, text: StaticString) -> Bool {
    view == ByteView(text)
  }

  /// Whether the view differs from the UTF-8 bytes of `text`.
  public static func != (view: ByteView, text: StaticString) -> Bool {
    !(view == text)
  }

  /// The UTF-8 bytes of a literal, which live as long as the program.
  public init(_ text: StaticString) {
    precondition(text.hasPointerRepresentation)
    self.init(base: UnsafeRawPointer(text.utf8Start), count: text.utf8CodeUnitCount)
  }

  /// Whether the view begins with the bytes of `other`.
  public func hasPrefix(_ other: ByteView) -> Bool {
    guard other.count <= count else { return false }
    var offset = 0
    while offset < other.count {
      if self[offset] != other[offset] { return false }
      offset += 1
    }
    return true
  }

  /// Whether the view begins with the UTF-8 bytes of `text`.
  public func hasPrefix(_ text: StaticString) -> Bool {
    hasPrefix(ByteView(text))
  }

  /// Whether the bytes of `other` occur anywhere; an empty `other` always does.
  public func contains(_ other: ByteView) -> Bool {
    var rest = self
    while true {
      if rest.hasPrefix(other) { return true }
      guard let shorter = rest.suffix(from: 1) else { return false }
      rest = shorter
    }
  }
}
