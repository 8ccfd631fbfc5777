import Core

/// The save and restore instructions on `ModelRegisters`, by the rules of the manual (Intel SDM volume 1,
/// sections 10.5.1 and 13.7 to 13.12), written without a look at what is tested.
struct XRSTORModel {
  let features: ExtendedStateFeatures
  let xcr0: StateComponentMask
  let mxcsrMask: UInt32

  /// #GP, and the rule that raises it.
  enum GeneralProtection: Error, Equatable {
    case standardHeaderNotZero, componentNotInXCR0, mxcsr, compactedHeaderNotZero, notInXCOMPBV, notCompacted
    case compactionNotSupported
  }

  /// Offsets by the manual's recipe for the compacted format.
  func compactedOffsets(_ xcompBV: UInt64) -> [Int: Int] {
    var offsets: [Int: Int] = [:]
    var next = 576
    for number in StateComponentMask(rawValue: xcompBV & ~(1 << 63)).numbers where number >= 2 {
      if features.components[number].isAligned64 { next = (next + 63) / 64 * 64 }
      offsets[number] = next
      next += Int(features.components[number].sizeInBytes)
    }
    return offsets
  }

  private func standardOffset(_ number: Int) -> Int { Int(features.components[number].standardOffset) }

  func fxsave(_ registers: ModelRegisters, to area: inout [UInt8]) {
    area.store(registers.environment, 0)
    area.store(UInt64(registers.mxcsr) | UInt64(mxcsrMask) << 32, 24, 8)
    area.store(registers.stack, 32)
    area.store(registers.xmm, 160)
  }

  func fxrstor(_ area: [UInt8], into registers: inout ModelRegisters) throws(GeneralProtection) {
    if area.load32(24) & ~mxcsrMask != 0 { throw .mxcsr }
    registers.environment = [UInt8](area[0..<24])
    registers.mxcsr = area.load32(24)
    registers.stack = [UInt8](area[32..<160])
    registers.xmm = [UInt8](area[160..<416])
  }

  /// XSAVE, or XSAVEOPT, which leaves the bytes of initial components as they were.
  func xsave(
    _ registers: ModelRegisters, to area: inout [UInt8], mask: StateComponentMask, inUse: StateComponentMask,
    initOptimization: Bool
  ) {
    let requested = mask.intersection(xcr0)
    let written = initOptimization ? requested.intersection(inUse) : requested
    let previous = area.load64(512)
    area.store(
      previous & ~requested.rawValue | inUse.intersection(requested).rawValue, 512, 8)
    store(registers, written, &area) { standardOffset($0) }
    if !requested.isDisjoint(with: [.sse, .avx]) {
      area.store(UInt64(registers.mxcsr) | UInt64(mxcsrMask) << 32, 24, 8)
    }
  }

  /// XSAVEC and XSAVES.
  func xsavec(
    _ registers: ModelRegisters, to area: inout [UInt8], mask: StateComponentMask, inUse: StateComponentMask
  ) {
    let requested = mask.intersection(xcr0)
    var written = requested.intersection(inUse)
    if requested.contains(.sse), registers.mxcsr != 0x1F80 { written.formUnion(.sse) }
    area.store(written.rawValue, 512, 8)
    area.store(requested.rawValue | 1 << 63, 520, 8)
    let offsets = compactedOffsets(requested.rawValue)
    store(registers, written, &area) { offsets[$0]! }
    if written.contains(.sse) {
      area.store(UInt64(registers.mxcsr) | UInt64(mxcsrMask) << 32, 24, 8)
    }
  }

  private func store(
    _ registers: ModelRegisters, _ written: StateComponentMask, _ area: inout [UInt8], offset: (Int) -> Int
  ) {
    if written.contains(.x87) {
      area.store(registers.environment, 0)
      area.store(registers.stack, 32)
    }
    if written.contains(.sse) { area.store(registers.xmm, 160) }
    for number in written.numbers where number >= 2 {
      area.store(registers.extended[number]!, offset(number))
    }
  }

  /// XRSTOR, or XRSTORS with `supervisor`.
  func xrstor(
    _ area: [UInt8], into registers: inout ModelRegisters, mask: StateComponentMask, supervisor: Bool = false
  ) throws(GeneralProtection) {
    let requested = mask.intersection(xcr0)
    let present = StateComponentMask(rawValue: area.load64(512))
    let xcompBV = area.load64(520)
    let initial = ModelRegisters.initial(features, requested)
    let loaded = requested.intersection(present)
    let offset: (Int) -> Int
    if xcompBV >> 63 == 0 {
      if supervisor { throw .notCompacted }
      if !xcr0.isSuperset(of: present) { throw .componentNotInXCR0 }
      if area[520..<536].contains(where: { $0 != 0 }) { throw .standardHeaderNotZero }
      offset = { standardOffset($0) }
      if !requested.isDisjoint(with: [.sse, .avx]) {
        if area.load32(24) & ~mxcsrMask != 0 { throw .mxcsr }
        registers.mxcsr = area.load32(24)
      }
    } else {
      if !features.hasXSAVEC { throw .compactionNotSupported }
      let components = StateComponentMask(rawValue: xcompBV & ~(1 << 63))
      if !xcr0.isSuperset(of: components) { throw .componentNotInXCR0 }
      if !components.isSuperset(of: present) { throw .notInXCOMPBV }
      if area[528..<576].contains(where: { $0 != 0 }) { throw .compactedHeaderNotZero }
      let offsets = compactedOffsets(xcompBV)
      offset = { offsets[$0]! }
      if requested.contains(.sse) {
        if present.contains(.sse), area.load32(24) & ~mxcsrMask != 0 { throw .mxcsr }
        registers.mxcsr = present.contains(.sse) ? area.load32(24) : 0x1F80
      }
    }
    for number in requested.numbers {
      let isLoaded = loaded.contains(StateComponentMask(rawValue: 1 << UInt64(number)))
      switch number {
      case 0:
        registers.environment = isLoaded ? [UInt8](area[0..<24]) : initial.environment
        registers.stack = isLoaded ? [UInt8](area[32..<160]) : initial.stack
      case 1: registers.xmm = isLoaded ? [UInt8](area[160..<416]) : initial.xmm
      default:
        let start = isLoaded ? offset(number) : 0
        let size = initial.extended[number]!.count
        registers.extended[number] =
          isLoaded ? [UInt8](area[start..<start + size]) : initial.extended[number]!
      }
    }
  }
}

extension XRSTORModel {
  init(_ configuration: FPUConfiguration) {
    self.init(
      features: configuration.features, xcr0: configuration.xcr0, mxcsrMask: configuration.mxcsrMask)
  }

  /// Saves as the configuration does, into an area whose other bytes are left from before.
  func save(
    _ registers: ModelRegisters, to area: inout [UInt8], _ configuration: FPUConfiguration,
    inUse: StateComponentMask
  ) {
    switch configuration.instruction {
    case .fxsave: fxsave(registers, to: &area)
    case .xsave, .xsaveopt:
      xsave(
        registers, to: &area, mask: configuration.mask, inUse: inUse,
        initOptimization: configuration.instruction == .xsaveopt)
    case .xsavec, .xsaves: xsavec(registers, to: &area, mask: configuration.mask, inUse: inUse)
    }
  }

  /// Restores as the configuration does.
  func restore(
    _ area: [UInt8], into registers: inout ModelRegisters, _ configuration: FPUConfiguration
  ) throws(GeneralProtection) {
    if configuration.instruction == .fxsave {
      try fxrstor(area, into: &registers)
    } else {
      try xrstor(
        area, into: &registers, mask: configuration.mask, supervisor: configuration.instruction == .xsaves)
    }
  }
}
