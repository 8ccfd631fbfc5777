import Core
import Testing

@Suite struct ExtendedStateFeaturesTests {
  @Test func xcr0GroupsAreEnabledTogetherOrNotAtAll() {
    // Against the rules of the manual, over every combination of the components concerned.
    for raw in UInt64(0)..<0x400 {
      let mask = StateComponentMask(rawValue: raw)
      func has(_ bit: Int) -> Bool { raw >> UInt64(bit) & 1 != 0 }
      let wide = [has(5), has(6), has(7)]
      let valid =
        has(0) && (!has(2) || has(1)) && has(3) == has(4)
        && (wide == [false, false, false] || wide == [true, true, true] && has(2) && has(1))
      #expect(mask.isValidXCR0 == valid, "\(String(raw, radix: 16))")
      #expect(mask.largestValidXCR0.isValidXCR0)
      #expect(mask.union(.x87).isSuperset(of: mask.largestValidXCR0))
      if valid { #expect(mask.largestValidXCR0 == mask) }
    }
    #expect(!StateComponentMask([.x87, .tileConfig]).isValidXCR0)
    #expect(StateComponentMask([.x87, .tileConfig, .tileData]).isValidXCR0)
  }

  static let enabled: [(CPUIDRecord, UInt64)] = [
    (.sandyBridge, 0x7), (.piledriver, 0x7), (.haswell, 0x7), (.skylake, 0x7), (.cascadeLake, 0x2E7),
    (.iceLakeServer, 0x2E7), (.zen1, 0x7), (.zen2Rome, 0x207), (.zen3, 0x207), (.zen4, 0x2E7),
    (.zen5, 0xE7), (.amxHost, 0x2E7), (.hygon, 0x7),
  ]

  @Test(arguments: enabled)
  func kernelEnablesWhatItAndTheProcessorSupport(record: CPUIDRecord, expected: UInt64) {
    #expect(record.features.enabledMask.rawValue == expected)
    #expect(record.features.enabledMask.isValidXCR0)
  }

  @Test(arguments: [CPUIDRecord.k8, .k10, .core2, .nehalem])
  func processorsWithoutXSAVEHaveNoComponents(record: CPUIDRecord) {
    #expect(record.features == .none)
    #expect(record.features.enabledMask == .x87)
  }

  @Test func upperHalfOfXCR0IsDecoded() {
    #expect(CPUIDRecord.piledriver.features.xcr0Supported.rawValue == 0x4000_0000_0000_0007)
  }

  @Test func amxComponentsAreDescribed() {
    let features = CPUIDRecord.amxHost.features
    #expect(features.xcr0Supported.isSuperset(of: .amx))
    #expect(features.hasXFD)
    #expect(features.components[18].sizeInBytes == 8192)
    #expect(features.components[18].isAligned64 && !features.components[18].isSupervisor)
    #expect(features.components[15].isSupervisor)
  }

  @Test func implausibleComponentsAreNotEnabled() {
    func features(_ size: UInt32, _ offset: UInt32, _ ecx: UInt32) -> ExtendedStateFeatures {
      let leaf = CPUIDRegisters(eax: size, ebx: offset, ecx: ecx, edx: 0)
      return CPUIDRecord.zen4.replacing(leaf: 0xD, subleaf: 2, with: leaf).features
    }
    #expect(features(256, 576, 0).enabledMask.contains(.avx))
    #expect(!features(0, 576, 0).enabledMask.contains(.avx))
    #expect(!features(256, 575, 0).enabledMask.contains(.avx))
    #expect(!features(256, 0xFFFF_FFFF, 0).enabledMask.contains(.avx))
    #expect(!features(0xFFFF_FFFF, 576, 0).enabledMask.contains(.avx))
    #expect(!features(256, 576, 1).enabledMask.contains(.avx))
    // AVX-512 goes with AVX; PKRU stays.
    #expect(features(0, 576, 0).enabledMask == [.x87, .sse, .pkru])
  }

  @Test func hostileCPUIDNeverTraps() {
    var random = SeededGenerator(seed: 1)
    for _ in 0..<2_000 {
      var record = CPUIDRecord.zen4
      for subleaf in UInt32(0)..<32 where random.next() & 1 == 0 {
        func word() -> UInt32 { UInt32(truncatingIfNeeded: random.next() >> (random.next() & 63)) }
        record = record.replacing(
          leaf: 0xD, subleaf: subleaf,
          with: CPUIDRegisters(eax: word(), ebx: word(), ecx: word(), edx: word()))
      }
      for forced in [nil] + SaveInstruction.allCases.map(Optional.some) {
        let configuration = record.ladder.choose(forced: forced, mxcsrMaskField: 0xFFFF).configuration
        #expect(configuration.xcr0.isValidXCR0)
        #expect(configuration.areaSize % 64 == 0 && configuration.areaSize >= 512)
        var area = [UInt8](repeating: 0xAA, count: configuration.areaSize)
        area.withUnsafeMutableBytes { InitialState.write(into: $0, configuration: configuration) }
      }
    }
  }
}
