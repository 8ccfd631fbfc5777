/// What an untrusted image claims to be.
public enum UserImageKind: Equatable, Sendable {
  /// FXSAVE's 512 bytes; what follows is not looked at.
  case legacy
  /// The standard format. Only the components named here are taken from the image; the others, bits in
  /// XSTATE_BV or not, get their initial state, as XRSTOR does outside of its instruction mask.
  case standard(StateComponentMask)
}

/// Why an image from user mode is refused.
public enum UserStateError: Error, Equatable, Sendable {
  /// The image is smaller than its header says that its components are.
  case tooShort
  /// MXCSR has a bit outside of MXCSR_MASK.
  case reservedMXCSRBits
  /// XSTATE_BV has a component that programs do not have here.
  case componentNotPermitted
  /// XCOMP_BV is not zero: not the standard format.
  case notStandardFormat
  /// A reserved byte of the header is not zero.
  case reservedHeaderBytes

  public var message: StaticString {
    switch self {
    case .tooShort: "FPU state from user mode is shorter than its components"
    case .reservedMXCSRBits: "FPU state from user mode sets reserved bits of MXCSR"
    case .componentNotPermitted: "FPU state from user mode has a component that is not enabled"
    case .notStandardFormat: "FPU state from user mode is not in the standard format"
    case .reservedHeaderBytes: "FPU state from user mode has a reserved header byte set"
    }
  }
}

/// The check of an image that user mode wrote, before any of it comes near XRSTOR.
///
/// XRSTOR raises #GP in the kernel for an image with a bad header or MXCSR (Intel SDM volume 1, section
/// 13.8.1), so that each of its conditions is checked here first.
public enum UserStateValidation {
  /// What a good image says.
  public struct State: Equatable, Sendable {
    /// The components to take from the image.
    public let components: StateComponentMask
    public let mxcsr: UInt32
    /// The value for PKRU, or nil where the image does not speak of it.
    public let pkru: UInt32?
  }

  /// Checks an image.
  ///
  /// - Parameters:
  ///   - image: the kernel's own copy, of a size that the kernel chose.
  ///   - kind: what it claims to be.
  /// - Throws: why it must not be loaded. Reads nothing outside of the image in any case.
  public static func validate(
    _ image: UnsafeRawBufferPointer, kind: UserImageKind, configuration: FPUConfiguration
  ) throws(UserStateError) -> State {
    guard image.count >= StateArea.legacySizeInBytes else { throw .tooShort }
    var mxcsr = image.mxcsr
    let isValid = mxcsr & ~configuration.mxcsrMask == 0
    guard case .standard(let wanted) = kind, configuration.userLayout.format == .standard else {
      guard isValid else { throw .reservedMXCSRBits }
      return State(components: .legacy, mxcsr: mxcsr, pkru: nil)
    }
    guard image.count >= StateArea.extendedRegionOffset else { throw .tooShort }
    let present = StateComponentMask(rawValue: image.xstateBV)
    guard configuration.userMask.isSuperset(of: present) else { throw .componentNotPermitted }
    guard image.isZero(in: StateArea.xcompBVOffset..<StateArea.headerReservedOffset) else {
      throw .notStandardFormat
    }
    guard image.isZero(in: StateArea.headerReservedOffset..<StateArea.extendedRegionOffset) else {
      throw .reservedHeaderBytes
    }
    if !isValid {
      // As on Linux, an image without x87, SSE and AVX does not speak of it.
      guard present.intersection([.x87, .sse, .avx]).isEmpty else { throw .reservedMXCSRBits }
      mxcsr = StateArea.initialMXCSR
    }
    let taken = present.intersection(wanted)
    for number in 2..<32 where taken.contains(StateComponentMask(rawValue: 1 << UInt64(number))) {
      guard let range = configuration.userLayout.range(ofComponentNumbered: number),
        range.upperBound <= image.count
      else { throw .tooShort }
    }
    var pkru: UInt32? = nil
    if configuration.userMask.contains(.pkru), wanted.contains(.pkru) {
      pkru = 0
      if taken.contains(.pkru), let offset = configuration.userLayout.offset(of: .pkru) {
        pkru = image.integer(at: offset, as: UInt32.self)
      }
    }
    return State(components: taken, mxcsr: mxcsr, pkru: pkru)
  }
}
