/// All that the kernel decided about FPU state at boot: the instruction, XCR0 and the area.
///
/// They are decided together, since a component that XCR0 enables and the instruction does not save would be
/// lost at the next switch.
public struct FPUConfiguration: Sendable {
  public let instruction: SaveInstruction
  /// What is saved and restored at a switch, for EDX:EAX of the instruction. Without PKRU, which is switched
  /// eagerly.
  public let mask: StateComponentMask
  /// The value for XCR0. Not written where the instruction is FXSAVE: CR4.OSXSAVE then stays clear.
  public let xcr0: StateComponentMask
  /// Whether CR4.PKE is to be set and PKRU switched.
  public let pkruEnabled: Bool
  /// The size in bytes of a thread's area, a multiple of 64.
  public let areaSize: Int
  /// The bits of MXCSR that may be set without #GP.
  public let mxcsrMask: UInt32
  /// Whether FIP, FDP and FOP have to be overwritten before a restore.
  public let scrubExceptionPointers: Bool
  /// Whether MXCSR has to be given its initial value before a restore: an area in which SSE is initial leaves it as it
  /// was on this CPU.
  public let loadInitialMXCSR: Bool
  /// How the kernel's areas are arranged.
  public let layout: ExtendedStateLayout
  /// How the image that user mode sees is arranged: the standard format with PKRU, or FXSAVE's.
  public let userLayout: ExtendedStateLayout
  /// What CPUID says of the components.
  public let features: ExtendedStateFeatures

  /// - Parameters:
  ///   - mxcsrMaskField: the field of that name that FXSAVE wrote on this CPU.
  ///   - initializesMXCSR: what `SaveInstructionLadder` has of that name.
  init(
    instruction: SaveInstruction, processor: ProcessorFeatures, features: ExtendedStateFeatures,
    mxcsrMaskField: UInt32, initializesMXCSR: Bool
  ) {
    self.instruction = instruction
    self.features = features
    mxcsrMask = StateArea.mxcsrMask(fromFXSAVE: mxcsrMaskField)
    // Not a question of XCR0: the switch reads and writes PKRU by its own instructions. Without the component
    // in XCR0 only the signal frame does not show it.
    pkruEnabled = processor.pku
    scrubExceptionPointers = processor.leaksFPUExceptionPointers
    let format: ExtendedStateFormat
    let userFormat: ExtendedStateFormat
    if instruction == .fxsave {
      xcr0 = .legacy
      format = .legacy
      userFormat = .legacy
    } else {
      let enabled = features.enabledMask
      xcr0 = processor.pku ? enabled : enabled.subtracting(.pkru)
      format = instruction.usesCompactedFormat ? .compacted : .standard
      userFormat = .standard
    }
    mask = xcr0.subtracting(.pkru)
    layout = ExtendedStateLayout(features: features, mask: mask, format: format)
    userLayout = ExtendedStateLayout(features: features, mask: xcr0, format: userFormat)
    areaSize = roundedUpTo64(layout.sizeInBytes)
    loadInitialMXCSR = format == .compacted && !initializesMXCSR
  }

  /// Whether the kernel's areas are in the compacted format.
  public var compacted: Bool { layout.format == .compacted }

  /// Whether CR4.OSXSAVE is to be set and XCR0 written.
  public var usesXSAVE: Bool { instruction != .fxsave }

  /// The value for IA32_XSS where the processor has XSAVES: the kernel uses no supervisor component.
  public var xss: StateComponentMask { [] }

  /// The components that a user image may hold.
  public var userMask: StateComponentMask { xcr0 }

  /// The size in bytes of the image that user mode sees, without the closing magic of a signal frame.
  public var userSize: Int { userLayout.sizeInBytes }

  /// XCOMP_BV of every area of the kernel's; zero in the standard format.
  public var xcompBV: UInt64 { compacted ? StateArea.compactedFormatBit | mask.rawValue : 0 }
}
