/// The 48 bytes by which the FPU state of a signal frame describes itself, and the magic that closes it.
///
/// Linux's `struct _fpx_sw_bytes`, in bytes that no instruction touches (464 to 511 of the legacy region).
/// The second magic follows the state, at the offset that the first one states: a program that copies only
/// the legacy region loses it, and the kernel then takes the frame for one of FXSAVE's.
public struct SignalFrameStateHeader: Equatable, Sendable {
  public static var openingMagic: UInt32 { 0x4650_5853 }
  public static var closingMagic: UInt32 { 0x4650_5845 }
  /// The size in bytes of the closing magic.
  public static var closingMagicSize: Int { 4 }

  /// The size in bytes of the state together with the closing magic.
  public var extendedSize: UInt32
  /// The components that the frame has room for and that a return from the signal loads.
  public var components: StateComponentMask
  /// The size in bytes of the state.
  public var stateSize: UInt32

  /// The description of the frames that the kernel writes.
  public init(_ configuration: FPUConfiguration) {
    stateSize = UInt32(configuration.userSize)
    let closing = configuration.usesXSAVE ? Self.closingMagicSize : 0
    extendedSize = stateSize + UInt32(closing)
    components = configuration.userMask
  }

  /// The size in bytes that the state takes in a signal frame, the closing magic included.
  public static func sizeInFrame(_ configuration: FPUConfiguration) -> Int {
    configuration.userSize + (configuration.usesXSAVE ? closingMagicSize : 0)
  }

  /// Writes the description into an image, and the magic behind it. A frame of FXSAVE's has neither.
  ///
  /// - Parameter frame: at least `sizeInFrame` bytes, with the image from `toStandardFormat`.
  public static func write(
    into frame: UnsafeMutableRawBufferPointer, configuration: FPUConfiguration
  ) {
    precondition(frame.count >= sizeInFrame(configuration))
    frame.zero(StateArea.softwareBytesOffset..<StateArea.legacySizeInBytes)
    guard configuration.usesXSAVE else { return }
    let header = SignalFrameStateHeader(configuration)
    frame.set(openingMagic, at: Field.magic)
    frame.set(header.extendedSize, at: Field.extendedSize)
    frame.set(header.components.rawValue, at: Field.components)
    frame.set(header.stateSize, at: Field.stateSize)
    frame.set(closingMagic, at: configuration.userSize)
  }

  /// Why a frame is taken for one of FXSAVE's.
  public enum LegacyReason: UInt8, Sendable {
    /// The kernel itself saves with FXSAVE.
    case kernelUsesFXSAVE
    case tooShort
    case noOpeningMagic
    /// The stated size has no room for the header, or is larger than any that the kernel writes.
    case implausibleSize
    case noClosingMagic

    public var message: StaticString {
      switch self {
      case .kernelUsesFXSAVE: "the kernel saves with FXSAVE"
      case .tooShort: "the frame ends before its header"
      case .noOpeningMagic: "the frame has no opening magic"
      case .implausibleSize: "the frame states a size that cannot be"
      case .noClosingMagic: "the frame has no closing magic at the size that it states"
      }
    }
  }

  /// What the frame is found to be.
  public enum Finding: Equatable, Sendable {
    /// An image in the standard format: the first `stateSize` bytes, with these components.
    case extended(SignalFrameStateHeader)
    case legacy(LegacyReason)

    /// How `UserStateValidation` is to read the image.
    public var kind: UserImageKind {
      switch self {
      case .extended(let header): .standard(header.components)
      case .legacy: .legacy
      }
    }

    /// How many bytes of the frame are the image. At most what the kernel itself would write, so that no
    /// size of user mode's decides what the kernel touches.
    public var imageSize: Int {
      switch self {
      case .extended(let header): Int(header.stateSize)
      case .legacy: StateArea.legacySizeInBytes
      }
    }
  }

  /// Reads the description of an untrusted frame. It never fails: a frame that does not describe itself as
  /// extended is a legacy one, whose x87 and SSE state count and whose other components become initial.
  ///
  /// A stated size below the kernel's own is accepted: the frame may come from a CPU with fewer components.
  ///
  /// - Parameter frame: the kernel's own copy of `sizeInFrame` bytes, or of as many as could be read.
  public static func parse(
    _ frame: UnsafeRawBufferPointer, configuration: FPUConfiguration
  ) -> Finding {
    guard configuration.usesXSAVE else { return .legacy(.kernelUsesFXSAVE) }
    guard let magic = frame.integer(at: Field.magic, as: UInt32.self),
      let extendedSize = frame.integer(at: Field.extendedSize, as: UInt32.self),
      let components = frame.integer(at: Field.components, as: UInt64.self),
      let stateSize = frame.integer(at: Field.stateSize, as: UInt32.self)
    else { return .legacy(.tooShort) }
    guard magic == openingMagic else { return .legacy(.noOpeningMagic) }
    guard stateSize >= UInt32(StateArea.extendedRegionOffset), stateSize <= UInt32(configuration.userSize),
      stateSize <= extendedSize
    else { return .legacy(.implausibleSize) }
    guard frame.integer(at: Int(stateSize), as: UInt32.self) == closingMagic else {
      return .legacy(.noClosingMagic)
    }
    var header = SignalFrameStateHeader(configuration)
    header.extendedSize = extendedSize
    header.stateSize = stateSize
    header.components = StateComponentMask(rawValue: components).intersection(configuration.userMask)
    return .extended(header)
  }

  /// Offsets in bytes from the start of the legacy region.
  private enum Field {
    static var magic: Int { StateArea.softwareBytesOffset }
    static var extendedSize: Int { StateArea.softwareBytesOffset + 4 }
    static var components: Int { StateArea.softwareBytesOffset + 8 }
    static var stateSize: Int { StateArea.softwareBytesOffset + 16 }
  }
}
