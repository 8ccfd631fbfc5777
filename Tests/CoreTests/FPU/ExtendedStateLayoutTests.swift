import Core
import Testing

@Suite struct ExtendedStateLayoutTests {
  static let withXSAVE = CPUIDRecord.all.filter { !$0.features.xcr0Supported.isEmpty }
  static let withXSAVES = withXSAVE.filter { $0.features.hasXSAVES }

  func size(_ record: CPUIDRecord, _ mask: StateComponentMask, _ format: ExtendedStateFormat) -> Int {
    ExtendedStateLayout(features: record.features, mask: mask, format: format).sizeInBytes
  }

  @Test func knownStandardSizes() {
    #expect(size(.sandyBridge, [.x87, .sse, .avx], .legacy) == 512)
    #expect(size(.sandyBridge, [.x87, .sse], .standard) == 576)
    #expect(size(.sandyBridge, [.x87, .sse, .avx], .standard) == 832)
    let wide: StateComponentMask = [.legacy, .avx, .avx512]
    // Intel leaves a gap for MPX whether it is enabled or not; AMD does not.
    #expect(size(.cascadeLake, wide, .standard) == 2688)
    #expect(size(.cascadeLake, wide.union(.pkru), .standard) == 2696)
    #expect(size(.zen4, wide, .standard) == 2432)
    #expect(size(.zen4, wide.union(.pkru), .standard) == 2440)
    // PKRU alone still needs the gap before it.
    #expect(size(.zen3, [.legacy, .pkru], .standard) == 2440)
    #expect(size(.amxHost, StateComponentMask(rawValue: 0x602E7), .standard) == 11008)
  }

  @Test(arguments: withXSAVE) func standardSizeIsWhatCPUIDSaysForXCR0(record: CPUIDRecord) {
    #expect(size(record, record.xcr0, .standard) == Int(record.features.standardSizeForXCR0))
    // Component 62 of one record is beyond those that are laid out.
    if record.features.xcr0Supported.rawValue >> 32 == 0 {
      #expect(
        size(record, record.features.xcr0Supported, .standard) == Int(record.features.standardSizeMaximum))
    }
  }

  /// IA32_XSS at the time of the records is not known: some subset of what it supports gives the size.
  @Test(arguments: withXSAVES) func compactedSizeIsWhatCPUIDSays(record: CPUIDRecord) {
    let xss = record.features.xssSupported.rawValue
    var sizes: Set<Int> = []
    var subset = xss
    while true {
      sizes.insert(size(record, record.xcr0.union(StateComponentMask(rawValue: subset)), .compacted))
      if subset == 0 { break }
      subset = (subset - 1) & xss
    }
    #expect(sizes.contains(Int(record.features.compactedSizeForXCR0AndXSS)))
  }

  @Test func knownCompactedOffsets() {
    let features = CPUIDRecord.cascadeLake.features
    let all: UInt64 = 1 << 63 | 0x2FF
    #expect(features.compactedOffset(of: .avx, xcompBV: all) == 576)
    #expect(features.compactedOffset(of: .bndregs, xcompBV: all) == 832)
    #expect(features.compactedOffset(of: .opmask, xcompBV: all) == 960)
    #expect(features.compactedOffset(of: .pkru, xcompBV: all) == 2560)
    // Other components move when one is missing.
    #expect(features.compactedOffset(of: .opmask, xcompBV: 1 << 63 | 0xE7) == 832)
    #expect(features.compactedOffset(of: .opmask, xcompBV: 1 << 63 | 0xE3) == 576)
    #expect(features.compactedOffset(of: .pkru, xcompBV: 1 << 63 | 0xE7) == nil)
    #expect(features.compactedOffset(of: .avx, xcompBV: 1 << 63 | 0x3) == nil)
    // Aligned components start on a 64-byte boundary: 2440 becomes 2496.
    let amx = CPUIDRecord.amxHost.features
    #expect(amx.compactedOffset(of: .tileConfig, xcompBV: 1 << 63 | 0x602E7) == 2496)
    #expect(amx.compactedOffset(of: .tileData, xcompBV: 1 << 63 | 0x602E7) == 2560)
  }

  @Test(arguments: withXSAVE) func compactedComponentsNeverOverlap(record: CPUIDRecord) {
    let all = record.features.xcr0Supported.union(record.features.xssSupported)
    var random = SeededGenerator(seed: 2)
    for _ in 0..<500 {
      let mask = StateComponentMask(rawValue: random.next() & all.rawValue)
      let layout = ExtendedStateLayout(features: record.features, mask: mask, format: .compacted)
      var end = 576
      for component in StateComponent.allCases where component.rawValue >= 2 {
        // Some records leave out the leaves of supervisor components.
        let description = record.features.components[Int(component.rawValue)]
        guard mask.contains(component.mask), description.sizeInBytes > 0 else {
          #expect(layout.offset(of: component) == nil)
          continue
        }
        guard let offset = layout.offset(of: component) else {
          Issue.record("no offset of component \(component.rawValue)")
          continue
        }
        #expect(offset >= end && offset - end < 64)
        #expect(description.isAligned64 ? offset % 64 == 0 : offset == end)
        end = offset + Int(description.sizeInBytes)
        #expect(
          record.features.compactedOffset(of: component, xcompBV: mask.rawValue | 1 << 63) == offset)
      }
      #expect(layout.sizeInBytes == end)
    }
  }
}
