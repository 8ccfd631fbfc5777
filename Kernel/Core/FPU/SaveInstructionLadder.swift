/// Why a save instruction cannot be used.
public enum SaveInstructionRefusal: UInt8, Sendable {
  case processorLacksInstruction
  case losesRegistersByErratum
  case writesWrongFormat

  public var message: StaticString {
    switch self {
    case .processorLacksInstruction: "the processor does not have the instruction"
    case .losesRegistersByErratum: "the processor's XSAVES may lose XMM registers (AMD erratum 1386)"
    case .writesWrongFormat: "the processor writes the compacted format otherwise than CPUID says"
    }
  }
}

/// The choice of the save instruction, best first: XSAVES, XSAVEC, XSAVEOPT, XSAVE, FXSAVE.
///
/// XSAVES and XSAVEC leave out components in their initial state and need the least memory; XSAVES and
/// XSAVEOPT also leave out what did not change since the restore. XSAVES comes first since it does both.
public struct SaveInstructionLadder: Sendable {
  let processor: ProcessorFeatures
  let features: ExtendedStateFeatures
  /// False where `CompactedFormatCheck` has found XSAVEC and XSAVES to write what cannot be restored.
  public var hasUsableCompactedFormat = true
  /// False where XRSTOR has been seen to leave MXCSR as it was although a compacted area says that SSE is initial. The
  /// manual has it set to 1F80h (Intel SDM volume 1, section 13.8.2); Bochs 3.0 does not.
  public var initializesMXCSR = true

  public init(processor: ProcessorFeatures, features: ExtendedStateFeatures) {
    self.processor = processor
    self.features = features
  }

  /// Why the instruction cannot be used here, or nil where it can.
  ///
  /// FXSAVE is never refused: a processor of the x86-64 architecture has it.
  public func refusal(of instruction: SaveInstruction) -> SaveInstructionRefusal? {
    let hasXSAVE = processor.xsave && features.xcr0Supported.isSuperset(of: .legacy)
    let available: Bool
    switch instruction {
    case .fxsave: return nil
    case .xsave: available = hasXSAVE
    case .xsaveopt: available = hasXSAVE && features.hasXSAVEOPT
    case .xsavec: available = hasXSAVE && features.hasXSAVEC
    case .xsaves:
      available = hasXSAVE && features.hasXSAVES
      if available, processor.savesIncompletelyWithXSAVES { return .losesRegistersByErratum }
    }
    if !available { return .processorLacksInstruction }
    return instruction.usesCompactedFormat && !hasUsableCompactedFormat ? .writesWrongFormat : nil
  }

  /// The best instruction that can be used.
  public var best: SaveInstruction {
    if refusal(of: .xsaves) == nil { return .xsaves }
    if refusal(of: .xsavec) == nil { return .xsavec }
    if refusal(of: .xsaveopt) == nil { return .xsaveopt }
    if refusal(of: .xsave) == nil { return .xsave }
    return .fxsave
  }

  /// What was decided, and what was refused on the way.
  public struct Choice: Sendable {
    public let configuration: FPUConfiguration
    /// Why the instruction that was asked for is not the one that is used, or nil.
    public let refusal: SaveInstructionRefusal?
  }

  /// Decides the instruction, XCR0 and the area together.
  ///
  /// - Parameters:
  ///   - forced: the instruction that the boot line asks for; where it is refused, the best one is taken
  ///     and the refusal returned.
  ///   - mxcsrMaskField: MXCSR_MASK as FXSAVE wrote it on this CPU; zero stands for the default.
  public func choose(forced: SaveInstruction?, mxcsrMaskField: UInt32) -> Choice {
    var instruction = best
    var reason: SaveInstructionRefusal? = nil
    if let forced {
      reason = refusal(of: forced)
      if reason == nil { instruction = forced }
    }
    return Choice(
      configuration: FPUConfiguration(
        instruction: instruction, processor: processor, features: features,
        mxcsrMaskField: mxcsrMaskField, initializesMXCSR: initializesMXCSR),
      refusal: reason)
  }
}
