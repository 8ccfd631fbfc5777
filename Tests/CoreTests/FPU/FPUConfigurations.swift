import Core

extension FPUConfiguration {
  /// The configuration of a record with an instruction, or nil where the processor lacks it.
  static func make(
    _ record: CPUIDRecord, _ instruction: SaveInstruction, mxcsrMaskField: UInt32 = 0xFFFF
  ) -> FPUConfiguration? {
    let choice = record.ladder.choose(forced: instruction, mxcsrMaskField: mxcsrMaskField)
    return choice.refusal == nil ? choice.configuration : nil
  }

  /// Each instruction of some processors with different layouts, with every set of components that XCR0
  /// could be left with.
  static let everyComponentSubset: [FPUConfiguration] = {
    var result: [FPUConfiguration] = []
    for record in [CPUIDRecord.nehalem, .piledriver, .haswell, .zen1, .cascadeLake, .zen4] {
      var seen: Set<String> = []
      for subset in record.features.enabledMask.subsets {
        var features = record.features
        features.xcr0Supported = subset
        let ladder = SaveInstructionLadder(processor: record.processor, features: features)
        for instruction in SaveInstruction.allCases {
          let choice = ladder.choose(forced: instruction, mxcsrMaskField: 0xFFFF)
          let key = "\(instruction) \(choice.configuration.xcr0.rawValue)"
          if choice.refusal == nil, seen.insert(key).inserted { result.append(choice.configuration) }
        }
      }
    }
    return result
  }()
}
