/// The state that a new program starts from, in each format.
public enum InitialState {
  /// Fills an area with the initial state.
  ///
  /// XSTATE_BV is zero, which is the initial state by itself. FCW and MXCSR are written all the same: FXRSTOR
  /// takes both from memory, and so does XRSTOR with MXCSR in the standard format whatever XSTATE_BV says
  /// (Intel SDM volume 1, section 13.8.1). An abridged tag of zero means eight empty registers.
  ///
  /// - Parameter area: at least `configuration.areaSize` bytes.
  public static func write(into area: UnsafeMutableRawBufferPointer, configuration: FPUConfiguration) {
    precondition(area.count >= configuration.areaSize)
    area.zero(0..<configuration.areaSize)
    area.set(StateArea.initialControlWord, at: StateArea.controlWordOffset)
    area.set(StateArea.initialMXCSR, at: StateArea.mxcsrOffset)
    area.set(configuration.mxcsrMask, at: StateArea.mxcsrMaskOffset)
    if configuration.compacted {
      // XRSTORS raises #GP without bit 63, even for an area that holds nothing.
      area.set(configuration.xcompBV, at: StateArea.xcompBVOffset)
    }
  }

  /// Writes the initial values of every component that XSTATE_BV says is in its initial state.
  ///
  /// The init optimization leaves the previous bytes there. Afterwards the area may be read component by
  /// component, whatever XSTATE_BV says; XSTATE_BV itself does not change. An area of FXSAVE's has no such
  /// components and stays as it is.
  ///
  /// - Parameter area: at least `configuration.areaSize` bytes, written by the configuration's instruction.
  public static func expandInitialComponents(
    _ area: UnsafeMutableRawBufferPointer, configuration: FPUConfiguration
  ) {
    precondition(area.count >= configuration.areaSize)
    let bytes = UnsafeRawBufferPointer(area)
    guard configuration.layout.format != .legacy,
      let present = bytes.integer(at: StateArea.xstateBVOffset, as: UInt64.self)
    else { return }
    let initial = configuration.mask.subtracting(StateComponentMask(rawValue: present))
    if initial.contains(.x87) { writeInitialX87(area) }
    if initial.contains(.sse) {
      area.zero(StateArea.xmmRegistersOffset..<StateArea.xmmRegistersEnd)
      // The standard format keeps MXCSR apart: it is valid in memory even where SSE is initial.
      if configuration.compacted { area.set(StateArea.initialMXCSR, at: StateArea.mxcsrOffset) }
    }
    let layout = configuration.layout(ofArea: bytes)
    for number in 2..<32 where initial.contains(StateComponentMask(rawValue: 1 << UInt64(number))) {
      guard let range = layout.range(ofComponentNumbered: number), range.upperBound <= area.count
      else { continue }
      area.zero(range)
    }
  }

  /// Writes the initial x87 component: everything in the legacy region but MXCSR, its mask and XMM.
  static func writeInitialX87(_ area: UnsafeMutableRawBufferPointer) {
    area.zero(0..<StateArea.mxcsrOffset)
    area.zero(StateArea.stackRegistersOffset..<StateArea.xmmRegistersOffset)
    area.set(StateArea.initialControlWord, at: StateArea.controlWordOffset)
  }
}

extension FPUConfiguration {
  /// How the area at hand is arranged: for the compacted format computed from its own XCOMP_BV.
  func layout(ofArea area: UnsafeRawBufferPointer) -> ExtendedStateLayout {
    guard compacted, let field = area.integer(at: StateArea.xcompBVOffset, as: UInt64.self),
      field != xcompBV
    else { return layout }
    let components = StateComponentMask(rawValue: field & ~StateArea.compactedFormatBit)
    return ExtendedStateLayout(
      features: features, mask: components.intersection(mask), format: .compacted)
  }
}
