/// What the kernel writes around the FPU state of a signal frame, worked out once: the frame's own description and
/// the header that the save instruction leaves as it is.
public struct SignalFrameState: Sendable {
  /// The bytes of the description and the header.
  public static var wordsSize: Int { 112 }
  /// Where they lie in the state, in bytes.
  public static var wordsOffset: Int { StateArea.softwareBytesOffset }

  /// Whether the state is in the standard format, closed by a magic; else it is FXSAVE's 512 bytes.
  public let usesXSAVE: Bool
  /// The bytes of the state, where its closing magic begins.
  public let stateSize: Int
  /// The bytes of the state with its closing magic.
  public let size: Int
  /// The components that the frame shows.
  public let mask: StateComponentMask
  private let mxcsrMask: UInt32

  /// Before there is a configuration.
  public static var none: SignalFrameState {
    SignalFrameState(usesXSAVE: false, stateSize: 512, size: 512, mask: .legacy, mxcsrMask: 0)
  }

  private init(usesXSAVE: Bool, stateSize: Int, size: Int, mask: StateComponentMask, mxcsrMask: UInt32) {
    self.usesXSAVE = usesXSAVE
    self.stateSize = stateSize
    self.size = size
    self.mask = mask
    self.mxcsrMask = mxcsrMask
  }

  public init(_ configuration: FPUConfiguration) {
    self.init(
      usesXSAVE: configuration.usesXSAVE, stateSize: configuration.userSize,
      size: SignalFrameStateHeader.sizeInFrame(configuration), mask: configuration.userMask,
      mxcsrMask: configuration.mxcsrMask)
  }

  /// The first word of the frame's description: the magic, and the size with the closing magic.
  public var description: UInt64 { UInt64(size) << 32 | UInt64(SignalFrameStateHeader.openingMagic) }

  /// Whether a frame is one that the kernel wrote, as far as its description, its header, MXCSR and the closing magic
  /// tell, and may be loaded as it stands. Any other, changed by the program or made by it, has to be taken apart.
  ///
  /// The values themselves may all be the program's: no value of a register makes the instruction fault but MXCSR's.
  ///
  /// - Parameter words: 112 bytes, from the description to the end of the header.
  public func isIntact(_ words: UnsafePointer<UInt64>, mxcsr: UInt32, closingMagic: UInt32) -> Bool {
    guard usesXSAVE, closingMagic == SignalFrameStateHeader.closingMagic, words[0] == description,
      words[1] == mask.rawValue, words[2] & 0xFFFF_FFFF == UInt64(stateSize)
    else { return false }
    // XSTATE_BV, then XCOMP_BV and the reserved bytes.
    guard words[6] & ~mask.rawValue == 0 else { return false }
    let rest = words[7] | words[8] | words[9] | words[10] | words[11] | words[12] | words[13]
    return rest == 0 && mxcsr & ~mxcsrMask == 0
  }
}
