import Core
import Instructions

/// The FPU of the CPU that executes the call, set up as a configuration says. Executes, decides nothing.
public struct FPUHardware: Sendable {
  /// What every save and restore looks at, apart from the rest.
  private let saveRoutine: @convention(c) (UnsafeMutableRawPointer?, UInt64) -> Void
  private let restoreRoutine: @convention(c) (UnsafeRawPointer?, UInt64) -> Int32
  private let scrubsExceptionPointers: Bool
  public let hasProtectionKeys: Bool
  /// RFBM for every save and restore.
  private let mask: UInt64
  /// What a signal frame shows, PKRU included, and how it describes itself.
  private let frameState: SignalFrameState
  /// All that was decided. Large: not for the switch.
  public let configuration: FPUConfiguration

  public init(configuration: FPUConfiguration) {
    self.configuration = configuration
    switch configuration.instruction {
    case .xsaves: saveRoutine = fpuSaveXSAVES
    case .xsavec: saveRoutine = fpuSaveXSAVEC
    case .xsaveopt: saveRoutine = fpuSaveXSAVEOPT
    case .xsave: saveRoutine = fpuSaveXSAVE
    case .fxsave: saveRoutine = fpuSaveFXSAVE
    }
    switch configuration.instruction {
    case .xsaves:
      restoreRoutine = configuration.loadInitialMXCSR ? fpuRestoreXRSTORSWithMXCSR : fpuRestoreXRSTORS
    // XRSTOR takes the compacted format too, by XCOMP_BV bit 63.
    case .xsavec, .xsaveopt, .xsave:
      restoreRoutine = configuration.loadInitialMXCSR ? fpuRestoreXRSTORWithMXCSR : fpuRestoreXRSTOR
    case .fxsave: restoreRoutine = fpuRestoreFXRSTOR
    }
    scrubsExceptionPointers = configuration.scrubExceptionPointers
    hasProtectionKeys = configuration.pkruEnabled
    mask = configuration.mask.rawValue
    frameState = SignalFrameState(configuration)
  }

  /// Whether AVX-512 state is saved.
  @inline(__always)
  public var hasAVX512: Bool { mask & StateComponentMask.avx512.rawValue != 0 }

  /// Writes the registers to an area. Interrupts are disabled.
  @inline(__always)
  public func save(to area: UnsafeMutableRawPointer) {
    saveRoutine(area, mask)
  }

  /// Reads an area into the registers. False when the instruction faulted: the registers then hold anything.
  @inline(__always)
  public func restore(from area: UnsafeRawPointer) -> Bool {
    if scrubsExceptionPointers { fpuScrubExceptionPointers() }
    return restoreRoutine(area, mask) == 0
  }

  /// Writes the registers to a signal frame, in the standard format with its description, or in FXSAVE's. Interrupts
  /// are disabled.
  ///
  /// - Parameter address: in the user half, 64-byte aligned.
  /// - Returns: false where the memory could not be written.
  @inline(__always)
  public func saveToUser(_ address: UInt64) -> Bool {
    let state = UnsafeMutableRawPointer(bitPattern: UInt(address))
    let description = frameState.description
    guard frameState.usesXSAVE else { return fpuSaveUserFXSAVE(state, description.firstWord) == 0 }
    return fpuSaveUserXSAVE(
      state, frameState.mask.rawValue, UInt64(frameState.stateSize), description.firstWord) == 0
  }

  /// Reads components of a signal frame into the registers, and no others. Interrupts are disabled.
  ///
  /// - Parameter components: of an image in the standard format; nil for one of FXSAVE's.
  /// - Returns: false when the instruction faulted: the registers then hold anything.
  @inline(__always)
  public func restoreFromUser(_ address: UInt64, components: StateComponentMask?) -> Bool {
    // It leaves its own mark in x87 registers that are not loaded.
    if scrubsExceptionPointers, components?.contains(.x87) ?? true { fpuScrubExceptionPointers() }
    let state = UnsafeRawPointer(bitPattern: UInt(address))
    guard let components else { return fpuRestoreUserFXRSTOR(state) == 0 }
    guard fpuRestoreUserXRSTOR(state, components.rawValue) == 0 else { return false }
    // It comes along with AVX in the standard format, but it is SSE's.
    if !components.contains(.sse) { fpuLoadMXCSR(StateArea.initialMXCSR) }
    return true
  }

  /// Sets the control registers and XCR0 on this CPU, and puts the registers into their initial state.
  ///
  /// CR0.TS is clear afterwards.
  public func enable() {
    writeCR0((readCR0() | CR0.monitorCoprocessor | CR0.numericError) & ~(CR0.emulation | CR0.taskSwitched))
    // A program tells by OSXSAVE and OSPKE what it may use: what is not configured is switched off.
    var cr4 = readCR4() & ~(CR4.osXSAVE | CR4.protectionKeys) | CR4.osFXSR | CR4.osXMMException
    if configuration.usesXSAVE { cr4 |= CR4.osXSAVE }
    if configuration.pkruEnabled { cr4 |= CR4.protectionKeys }
    writeCR4(cr4)
    if configuration.usesXSAVE { writeXCR0(configuration.xcr0.rawValue) }
    if configuration.instruction == .xsaves { writeMSR(MSR.xss, configuration.xss.rawValue) }
    fpuInitialize()
    fpuLoadMXCSR(StateArea.initialMXCSR)
    fpuClearXMM()
  }

  /// MXCSR_MASK as FXSAVE writes it on this CPU; 0 means 0xFFBF (Intel SDM volume 1, section 11.6.6).
  ///
  /// - Parameter scratch: 512 bytes, 16-byte aligned.
  public static func readMXCSRMaskField(scratch: UnsafeMutableRawPointer) -> UInt32 {
    writeCR0((readCR0() | CR0.monitorCoprocessor) & ~(CR0.emulation | CR0.taskSwitched))
    writeCR4(readCR4() | CR4.osFXSR)
    scratch.initializeMemory(as: UInt8.self, repeating: 0, count: 512)
    fpuSaveFXSAVE(scratch, 0)
    return scratch.load(fromByteOffset: 28, as: UInt32.self)
  }

  /// Whether this CPU writes the compacted format as CPUID and the manual describe it.
  ///
  /// Saves a known state by XSAVEC and looks at where it went. Interrupts are disabled and the registers are nobody's.
  ///
  /// - Parameter scratch: `configuration.areaSize` bytes, 64-byte aligned.
  public static func writesCompactedFormatRightly(
    _ configuration: FPUConfiguration, scratch: UnsafeMutableRawPointer
  ) -> Bool {
    let area = beginProbe(configuration, scratch)
    fpuProbeCompactedFormat(scratch, configuration.mask.rawValue)
    let pattern = UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: UInt(addressOfFPUProbePattern())), count: 16)
    return CompactedFormatCheck.isRight(area, configuration: configuration, upperHalfOfYMM15: pattern)
  }

  /// Sets this CPU up as a configuration says, and writes the initial state to an area.
  @discardableResult
  private static func beginProbe(
    _ configuration: FPUConfiguration, _ scratch: UnsafeMutableRawPointer
  ) -> UnsafeRawBufferPointer {
    FPUHardware(configuration: configuration).enable()
    let area = UnsafeMutableRawBufferPointer(start: scratch, count: configuration.areaSize)
    InitialState.write(into: area, configuration: configuration)
    return UnsafeRawBufferPointer(area)
  }

  /// Whether XRSTOR of a compacted area in which SSE is initial sets MXCSR to its initial value.
  ///
  /// Interrupts are disabled and the registers are nobody's.
  ///
  /// - Parameter scratch: `configuration.areaSize` bytes, 64-byte aligned.
  public static func initializesMXCSR(_ configuration: FPUConfiguration, scratch: UnsafeMutableRawPointer) -> Bool {
    beginProbe(configuration, scratch)
    // Everything masked still, with another rounding.
    fpuLoadMXCSR(StateArea.initialMXCSR | 0x6000)
    _ = fpuRestoreXRSTOR(scratch, configuration.mask.rawValue)
    fpuSaveFXSAVE(scratch, 0)
    return scratch.load(fromByteOffset: StateArea.mxcsrOffset, as: UInt32.self) == StateArea.initialMXCSR
  }

  /// Whether XSAVE raises #NM with CR0.TS set, as it does on processors (Intel SDM volume 1, section 13.7). Some
  /// emulators execute it.
  ///
  /// Interrupts are disabled, the registers are nobody's, and #NM at `fpuProbeTrappingSave` is expected by whoever
  /// handles exceptions. CR0.TS is clear afterwards.
  ///
  /// - Parameter scratch: `configuration.areaSize` bytes, 64-byte aligned.
  public static func trapsOnExtendedSave(
    _ configuration: FPUConfiguration, scratch: UnsafeMutableRawPointer
  ) -> Bool {
    guard configuration.usesXSAVE else { return true }
    beginProbe(configuration, scratch)
    writeCR0(readCR0() | CR0.taskSwitched)
    let isExecuted = fpuProbeTrapOnUse(scratch, configuration.mask.rawValue) == 0
    writeCR0(readCR0() & ~CR0.taskSwitched)
    return !isExecuted
  }
}
