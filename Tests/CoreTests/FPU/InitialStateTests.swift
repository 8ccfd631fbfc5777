import Core
import Testing

@Suite struct InitialStateTests {
  @Test func initialImageRestoresToTheResetStateInEachFormat() throws {
    var random = SeededGenerator(seed: 3)
    for configuration in FPUConfiguration.everyComponentSubset {
      let model = XRSTORModel(configuration)
      var area = random.bytes(configuration.areaSize)
      area.withUnsafeMutableBytes { InitialState.write(into: $0, configuration: configuration) }
      var registers = ModelRegisters.random(
        configuration.features, configuration.mask, used: configuration.mask, &random)
      registers.mxcsr = 0
      try model.restore(area, into: &registers, configuration)
      #expect(registers == .initial(configuration.features, configuration.mask))
    }
  }

  /// The bytes themselves, where an instruction reads them whatever XSTATE_BV says.
  @Test(arguments: SaveInstruction.allCases)
  func initialImageMasksEveryException(instruction: SaveInstruction) throws {
    let configuration = try #require(FPUConfiguration.make(.zen4, instruction))
    var area = [UInt8](repeating: 0xAA, count: configuration.areaSize)
    area.withUnsafeMutableBytes { InitialState.write(into: $0, configuration: configuration) }
    #expect(area.load32(0) == 0x037F)  // FCW, and FSW zero
    #expect(area[4] == 0)  // eight empty registers, abridged
    #expect(area.load32(24) == 0x1F80)
    #expect(area.load32(28) == 0xFFFF)
    if configuration.usesXSAVE {
      #expect(area.load64(512) == 0)
      let expected: UInt64 = configuration.compacted ? 1 << 63 | 0xE7 : 0
      #expect(area.load64(520) == expected)
    }
  }

  /// For every set of components that XSTATE_BV can have, in every format, over stale bytes.
  @Test func expandedAreaShowsInitialValuesForEveryClearBit() {
    var random = SeededGenerator(seed: 4)
    var cases = 0
    for configuration in FPUConfiguration.everyComponentSubset where configuration.usesXSAVE {
      let model = XRSTORModel(configuration)
      for used in configuration.mask.subsets {
        var registers = ModelRegisters.random(
          configuration.features, configuration.mask, used: used, &random)
        registers.mxcsr = cases & 1 == 0 ? 0x1F80 : 0x9FC0
        var area = random.bytes(configuration.areaSize)
        area.store([UInt8](repeating: 0, count: 64), 512)
        model.save(registers, to: &area, configuration, inUse: used)
        let header = area[512..<576]
        area.withUnsafeMutableBytes {
          InitialState.expandInitialComponents($0, configuration: configuration)
        }
        #expect(area[512..<576] == header)
        #expect([UInt8](area[0..<24]) == registers.environment)
        #expect([UInt8](area[32..<160]) == registers.stack)
        #expect([UInt8](area[160..<416]) == registers.xmm)
        #expect(area.load32(24) == registers.mxcsr)
        let offsets = model.compactedOffsets(configuration.mask.rawValue)
        for (number, bytes) in registers.extended {
          let start =
            configuration.compacted
            ? offsets[number]! : Int(configuration.features.components[number].standardOffset)
          #expect([UInt8](area[start..<start + bytes.count]) == bytes)
        }
        cases += 1
      }
    }
    #expect(cases > 500)
  }
}
