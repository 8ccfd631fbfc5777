/// The FPU state of a signal frame: how large it is, how it describes itself, and what a return from the handler loads
/// of one that a program has made.
///
/// The state is in the standard format, closed by a magic, or FXSAVE's 512 bytes.
public struct SignalFrameState: Sendable {
  /// The first word of a description.
  public static var openingMagic: UInt32 { 0x4650_5853 }
  /// Behind the state, at the offset that its description states: a program that copies only the legacy region loses
  /// it, and the frame is taken for one of FXSAVE's.
  public static var closingMagic: UInt32 { 0x4650_5845 }
  private static var closingMagicSize: Int { 4 }

  /// Whether the state is in the standard format.
  public let usesXSAVE: Bool
  /// The bytes of the state, where its closing magic begins.
  public let stateSize: Int
  /// The bytes of the state with its closing magic, which one of FXSAVE's does not have.
  public let size: Int
  /// The components that the frame shows.
  public let mask: StateComponentMask
  private let mxcsrMask: UInt32

  /// Before there is a configuration.
  public static var none: SignalFrameState {
    SignalFrameState(usesXSAVE: false, stateSize: 512, mask: .legacy, mxcsrMask: 0)
  }

  private init(usesXSAVE: Bool, stateSize: Int, mask: StateComponentMask, mxcsrMask: UInt32) {
    self.usesXSAVE = usesXSAVE
    self.stateSize = stateSize
    self.size = stateSize + (usesXSAVE ? Self.closingMagicSize : 0)
    self.mask = mask
    self.mxcsrMask = mxcsrMask
  }

  public init(_ configuration: FPUConfiguration) {
    self.init(
      usesXSAVE: configuration.usesXSAVE, stateSize: configuration.userSize, mask: configuration.userMask,
      mxcsrMask: configuration.mxcsrMask)
  }

  /// The first 24 of the 48 bytes by which a state describes itself: Linux's `struct _fpx_sw_bytes`, whose others are
  /// zero. They lie in bytes of the legacy region that no instruction touches.
  public struct Description: BitwiseCopyable, Equatable, Sendable {
    public var magic: UInt32
    /// The bytes of the state and the closing magic.
    public var extendedSize: UInt32
    /// The components that the frame has room for and that a return from the handler loads.
    public var components: UInt64
    /// The bytes of the state.
    public var stateSize: UInt32
    private var padding: UInt32 = 0

    public init(magic: UInt32, extendedSize: UInt32, components: UInt64, stateSize: UInt32) {
      self.magic = magic
      self.extendedSize = extendedSize
      self.components = components
      self.stateSize = stateSize
    }

    public static var empty: Description {
      Description(magic: 0, extendedSize: 0, components: 0, stateSize: 0)
    }

    /// Where it lies in the state, in bytes.
    public static var offset: Int { StateArea.softwareBytesOffset }

    /// The first eight bytes, as the save routines write them.
    public var firstWord: UInt64 { UInt64(extendedSize) << 32 | UInt64(magic) }
  }

  /// How the frames that the kernel writes describe themselves.
  ///
  /// As on Linux, FXSAVE's too: with no component, and with the size of a closing magic that is not there.
  public var description: Description {
    Description(
      magic: Self.openingMagic, extendedSize: UInt32(stateSize + Self.closingMagicSize),
      components: usesXSAVE ? mask.rawValue : 0, stateSize: UInt32(stateSize))
  }

  /// What a frame claims to hold.
  public enum Claim: Equatable, Sendable {
    /// FXSAVE's 512 bytes: x87 and SSE are loaded, and all else becomes initial.
    case legacy
    /// An image in the standard format, if the closing magic lies at this offset; else as `legacy`. These components
    /// are loaded, and all others become initial.
    case extended(StateComponentMask, closingMagicOffset: Int)
  }

  /// Reads the description of an untrusted frame. It never fails: one that does not describe itself as extended is
  /// a legacy one.
  ///
  /// A stated size below the kernel's own is accepted: the frame may come from a CPU with fewer components. No size is
  /// larger than what the kernel itself would write.
  public func claim(of description: Description) -> Claim {
    guard usesXSAVE, description.magic == Self.openingMagic,
      description.stateSize >= UInt32(StateArea.extendedRegionOffset),
      description.stateSize <= UInt32(stateSize), description.stateSize <= description.extendedSize
    else { return .legacy }
    return .extended(
      StateComponentMask(rawValue: description.components).intersection(mask),
      closingMagicOffset: Int(description.stateSize))
  }

  /// Whether the instruction that loads these components of a frame, nil for a legacy one, may see this MXCSR there.
  ///
  /// A processor raises #GP for a reserved bit, in the standard format for SSE or AVX even where XSTATE_BV says that
  /// both are initial (Intel SDM volume 1, section 13.8.1); an emulator may not.
  public func accepts(mxcsr: UInt32, for components: StateComponentMask?) -> Bool {
    if let components, components.intersection([.sse, .avx]).isEmpty { return true }
    return mxcsr & ~mxcsrMask == 0
  }
}
