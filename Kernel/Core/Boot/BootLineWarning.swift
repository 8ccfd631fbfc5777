/// A word of the boot line that was not understood, or was given twice.
///
/// The kernel prints it and starts all the same: a typing error must not cost a boot.
public struct BootLineWarning: Sendable {
  public enum Kind: UInt8, CaseIterable, Sendable {
    /// No option has this name. The word is ignored.
    case unknownWord
    /// The value is not one that the option takes. The word is ignored.
    case badValue
    /// The option was given before. The later word counts.
    case duplicate
    /// A double quote has no partner. The word is ignored, up to the next space.
    case unterminatedQuote

    /// What to tell the user about the word.
    public var message: StaticString {
      switch self {
      case .unknownWord: "unknown word"
      case .badValue: "bad value"
      case .duplicate: "given more than once"
      case .unterminatedQuote: "quote without end"
      }
    }
  }

  public let kind: Kind
  /// The word as it stands on the line, its quotes included.
  public let word: ByteView
  /// What would have been right here, to be printed after the word.
  public let allowed: StaticString
}
