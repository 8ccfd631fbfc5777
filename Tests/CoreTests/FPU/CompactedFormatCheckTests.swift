import Testing

@testable import Core

@Suite struct CompactedFormatCheckTests {
  /// An area as XSAVEC writes it on a CPU with AVX-512, with the component at an offset of one's choice.
  private func area(_ configuration: FPUConfiguration, avxOffset: Int) -> [UInt8] {
    var area = [UInt8](repeating: 0, count: configuration.areaSize)
    area.withUnsafeMutableBytes { bytes in
      for index in 0..<16 { bytes[avxOffset + 240 + index] = UInt8(index + 1) }
      bytes.storeBytes(of: StateComponentMask.avx.rawValue, toByteOffset: 512, as: UInt64.self)
      bytes.storeBytes(of: configuration.xcompBV, toByteOffset: 520, as: UInt64.self)
    }
    return area
  }

  private func isRight(_ area: [UInt8], _ configuration: FPUConfiguration) -> Bool {
    let pattern = (1...16).map { UInt8($0) }
    return area.withUnsafeBytes { area in
      pattern.withUnsafeBytes {
        CompactedFormatCheck.isRight(area, configuration: configuration, upperHalfOfYMM15: $0)
      }
    }
  }

  private var configuration: FPUConfiguration {
    CPUIDRecord.cascadeLake.ladder.choose(forced: .xsavec, mxcsrMaskField: 0).configuration
  }

  @Test func acceptsTheFormatOfTheManual() {
    let configuration = configuration
    #expect(configuration.compacted)
    #expect(isRight(area(configuration, avxOffset: 576), configuration))
  }

  /// What Bochs 2.7 does: the component begins behind the XMM registers and runs over the header.
  @Test func refusesAComponentThatBeginsBeforeTheHeader() {
    let configuration = configuration
    #expect(!isRight(area(configuration, avxOffset: 416), configuration))
  }

  @Test func refusesAnOverwrittenHeaderEvenWithTheComponentInPlace() {
    let configuration = configuration
    for index in 528..<576 {
      var bytes = area(configuration, avxOffset: 576)
      bytes[index] = 1
      #expect(!isRight(bytes, configuration))
    }
  }

  @Test func refusesAWrongXCOMP_BVAndAMissingComponent() {
    let configuration = configuration
    var bytes = area(configuration, avxOffset: 576)
    bytes[527] = 0
    #expect(!isRight(bytes, configuration))
    bytes = area(configuration, avxOffset: 576)
    bytes[512] = 0
    #expect(!isRight(bytes, configuration))
  }
}
