/// What the kernel writes around the FPU state of a signal frame, worked out once: the frame's own description and
/// the header that the save instruction leaves as it is.
public struct SignalFrameState: Sendable {
  /// The 112 bytes from the software bytes to the end of the header: the description, and a header of zeros.
  public typealias Words = InlineArray<14, UInt64>

  /// Where the words lie in the state, in bytes.
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

  /// The words of a frame that the kernel writes. Of FXSAVE's only the first six are part of it.
  public var words: Words {
    var words = Words(repeating: 0)
    guard usesXSAVE else { return words }
    words[0] = UInt64(size) << 32 | UInt64(SignalFrameStateHeader.openingMagic)
    words[1] = mask.rawValue
    words[2] = UInt64(stateSize)
    return words
  }

  /// Whether a frame is one that the kernel wrote, as far as its description, its header, MXCSR and the closing magic
  /// tell, and may be loaded as it stands. Any other, changed by the program or made by it, has to be taken apart.
  ///
  /// The values themselves may all be the program's: no value of a register makes the instruction fault but MXCSR's.
  public func isIntact(_ words: Words, mxcsr: UInt32, closingMagic: UInt32) -> Bool {
    guard usesXSAVE, closingMagic == SignalFrameStateHeader.closingMagic else { return false }
    guard words[0] == UInt64(size) << 32 | UInt64(SignalFrameStateHeader.openingMagic) else { return false }
    guard words[1] == mask.rawValue, words[2] & 0xFFFF_FFFF == UInt64(stateSize) else { return false }
    // XSTATE_BV, then XCOMP_BV and the reserved bytes.
    guard words[6] & ~mask.rawValue == 0 else { return false }
    var rest: UInt64 = 0
    for index in 7..<14 { rest |= words[index] }
    return rest == 0 && mxcsr & ~mxcsrMask == 0
  }
}
