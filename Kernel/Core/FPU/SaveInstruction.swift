/// The instruction that writes the FPU state to memory, worst first.
///
/// The order is the ladder of preference: a later instruction does what an earlier one does and leaves out
/// more work. FXSAVE has its own format (Intel SDM volume 1, section 10.5.1), XSAVE and XSAVEOPT write the
/// standard format, XSAVEC and XSAVES the compacted one (sections 13.4.2 and 13.4.3).
public enum SaveInstruction: UInt8, CaseIterable, Comparable, Sendable {
  /// x87 and SSE only.
  case fxsave
  /// Every component of XCR0.
  case xsave
  /// XSAVE with the init and the modified optimizations.
  case xsaveopt
  /// The compacted format with the init optimization.
  case xsavec
  /// The compacted format with both optimizations, and supervisor components.
  case xsaves

  /// The word that selects the instruction on the boot line (`fpu.save=`).
  public var name: StaticString {
    switch self {
    case .fxsave: "fxsave"
    case .xsave: "xsave"
    case .xsaveopt: "xsaveopt"
    case .xsavec: "xsavec"
    case .xsaves: "xsaves"
    }
  }

  /// Whether the area is in the compacted format, in which XCOMP_BV bit 63 is set.
  public var usesCompactedFormat: Bool { self >= .xsavec }

  public static func < (left: SaveInstruction, right: SaveInstruction) -> Bool {
    left.rawValue < right.rawValue
  }
}
