import Core
import Testing

@Suite struct SaveInstructionLadderTests {
  static let best: [(CPUIDRecord, SaveInstruction)] = [
    (.k8, .fxsave), (.k10, .fxsave), (.core2, .fxsave), (.nehalem, .fxsave), (.sandyBridge, .xsaveopt),
    (.piledriver, .xsave), (.haswell, .xsaveopt), (.skylake, .xsaves), (.cascadeLake, .xsaves),
    (.iceLakeServer, .xsaves), (.zen1, .xsavec), (.zen4, .xsaves), (.zen5, .xsaves), (.hygon, .xsavec),
  ]

  @Test(arguments: best) func bestInstructionIsTaken(record: CPUIDRecord, expected: SaveInstruction) {
    let choice = record.ladder.choose(forced: nil, mxcsrMaskField: 0xFFFF)
    #expect(record.ladder.best == expected)
    #expect(choice.configuration.instruction == expected)
    #expect(choice.refusal == nil)
  }

  @Test(arguments: CPUIDRecord.whole) func forcedInstructionIsTakenOrRefusedByName(record: CPUIDRecord) {
    for forced in SaveInstruction.allCases {
      let choice = record.ladder.choose(forced: forced, mxcsrMaskField: 0xFFFF)
      if let refusal = record.ladder.refusal(of: forced) {
        #expect(choice.refusal == refusal)
        #expect(choice.configuration.instruction == record.ladder.best)
      } else {
        #expect(choice.refusal == nil)
        #expect(choice.configuration.instruction == forced)
      }
    }
  }

  @Test func erratumOfZenAvoidsXSAVES() {
    #expect(CPUIDRecord.zen1.ladder.refusal(of: .xsaves) == .losesRegistersByErratum)
    #expect(CPUIDRecord.hygon.ladder.refusal(of: .xsaves) == .losesRegistersByErratum)
    #expect(CPUIDRecord.haswell.ladder.refusal(of: .xsaves) == .processorLacksInstruction)
    #expect(CPUIDRecord.nehalem.ladder.refusal(of: .xsave) == .processorLacksInstruction)
  }

  /// Every component that XCR0 lets programs use is saved by the instruction, or is PKRU.
  @Test(arguments: CPUIDRecord.whole) func nothingIsEnabledThatIsNotSaved(record: CPUIDRecord) {
    for forced in SaveInstruction.allCases {
      let configuration = record.ladder.choose(forced: forced, mxcsrMaskField: 0xFFFF).configuration
      #expect(configuration.xcr0.isValidXCR0)
      #expect(configuration.xcr0.subtracting(configuration.mask).isSubset(of: .pkru))
      #expect(configuration.pkruEnabled || !configuration.xcr0.contains(.pkru))
      #expect(!configuration.mask.contains(.pkru))
      #expect(configuration.layout.mask == configuration.mask)
      #expect(configuration.areaSize % 64 == 0)
      #expect(configuration.areaSize >= configuration.layout.sizeInBytes)
      #expect(configuration.compacted == configuration.instruction.usesCompactedFormat)
      #expect(configuration.scrubExceptionPointers == record.processor.leaksFPUExceptionPointers)
      if configuration.instruction == .fxsave {
        #expect(configuration.xcr0 == .legacy && configuration.mask == .legacy)
        #expect(!configuration.usesXSAVE)
        #expect(configuration.areaSize == 512 && configuration.userSize == 512)
      }
    }
  }

  @Test func mxcsrIsLoadedWhereNoCompactedRestoreInitializesIt() {
    var ladder = CPUIDRecord.cascadeLake.ladder
    func loads(_ forced: SaveInstruction) -> Bool {
      ladder.choose(forced: forced, mxcsrMaskField: 0).configuration.loadInitialMXCSR
    }
    #expect(SaveInstruction.allCases.allSatisfy { !loads($0) })
    ladder.initializesMXCSR = false
    #expect(loads(.xsaves) && loads(.xsavec))
    // The standard format has MXCSR in memory whatever XSTATE_BV says.
    #expect(!loads(.xsaveopt) && !loads(.xsave) && !loads(.fxsave))
  }

  @Test func areaSizesOfKnownProcessors() {
    func area(_ record: CPUIDRecord, _ forced: SaveInstruction?) -> Int {
      record.ladder.choose(forced: forced, mxcsrMaskField: 0).configuration.areaSize
    }
    #expect(area(.haswell, nil) == 832)
    #expect(area(.haswell, .fxsave) == 512)
    #expect(area(.cascadeLake, nil) == 2432)
    #expect(area(.cascadeLake, .xsave) == 2688)
    #expect(area(.zen4, nil) == 2432)
  }

  @Test func pkruIsSwitchedWhereverTheProcessorHasIt() {
    func pkru(_ record: CPUIDRecord, _ forced: SaveInstruction?) -> Bool {
      record.ladder.choose(forced: forced, mxcsrMaskField: 0).configuration.pkruEnabled
    }
    #expect(pkru(.cascadeLake, nil) && pkru(.zen4, .xsave))
    #expect(pkru(.cascadeLake, .fxsave) && !pkru(.skylake, nil))
    // This record has PKU hidden by its hypervisor.
    #expect(!pkru(.zen5, nil))
  }

  @Test func zeroMXCSRMaskMeansTheDefault() {
    func mask(_ field: UInt32) -> UInt32 {
      CPUIDRecord.k8.ladder.choose(forced: nil, mxcsrMaskField: field).configuration.mxcsrMask
    }
    #expect(mask(0) == 0xFFBF)
    #expect(mask(0xFFFF) == 0xFFFF)
    #expect(mask(0x2_FFFF) == 0x2_FFFF)
  }
}
