import Core
import Testing

@Suite struct SignalFrameStateHeaderTests {
  typealias Header = SignalFrameStateHeader

  func frame(_ configuration: FPUConfiguration) -> [UInt8] {
    var frame = [UInt8](repeating: 0xAA, count: Header.sizeInFrame(configuration))
    frame.withUnsafeMutableBytes { Header.write(into: $0, configuration: configuration) }
    return frame
  }

  func parse(_ frame: [UInt8], _ configuration: FPUConfiguration) -> Header.Finding {
    frame.withUnsafeBytes { Header.parse($0, configuration: configuration) }
  }

  @Test func writtenFramesDescribeThemselves() throws {
    for configuration in FPUConfiguration.everyComponentSubset {
      let finding = parse(frame(configuration), configuration)
      if configuration.usesXSAVE {
        #expect(finding == .extended(Header(configuration)))
        #expect(finding.kind == .standard(configuration.xcr0))
        #expect(finding.imageSize == configuration.userSize)
      } else {
        #expect(finding == .legacy(.kernelUsesFXSAVE))
        #expect(finding.imageSize == 512)
      }
    }
  }

  /// The bytes that programs and debuggers rely on.
  @Test func layoutIsLinux() throws {
    let configuration = try #require(FPUConfiguration.make(.haswell, .xsave))
    let frame = frame(configuration)
    #expect(frame.count == 836)
    #expect(frame.load32(464) == 0x4650_5853)
    #expect(frame.load32(468) == 836)
    #expect(frame.load64(472) == 7)
    #expect(frame.load32(480) == 832)
    #expect(frame[484..<512].allSatisfy { $0 == 0 })
    #expect(frame.load32(832, upTo: frame.count) == 0x4650_5845)
  }

  @Test func frameWithoutItsMagicIsALegacyOne() throws {
    let configuration = try #require(FPUConfiguration.make(.cascadeLake, .xsaves))
    for offset in 464..<468 {
      var bytes = frame(configuration)
      bytes[offset] ^= 1
      #expect(parse(bytes, configuration) == .legacy(.noOpeningMagic))
    }
    for offset in configuration.userSize..<configuration.userSize + 4 {
      var bytes = frame(configuration)
      bytes[offset] ^= 1
      #expect(parse(bytes, configuration) == .legacy(.noClosingMagic))
    }
  }

  @Test func frameFromASmallerProcessorIsReadAtItsOwnSize() throws {
    let small = try #require(FPUConfiguration.make(.haswell, .xsave))
    let large = try #require(FPUConfiguration.make(.cascadeLake, .xsaves))
    var bytes = frame(small)
    bytes += [UInt8](repeating: 0xAA, count: Header.sizeInFrame(large) - bytes.count)
    let finding = parse(bytes, large)
    #expect(finding.imageSize == 832)
    #expect(finding.kind == .standard([.x87, .sse, .avx]))
  }

  @Test func sizesOfUserModeNeverDecide() throws {
    let configuration = try #require(FPUConfiguration.make(.haswell, .xsave))
    for size in [UInt32(0), 511, 512, 575, 833, 836, 0x7FFF_FFFF, 0x8000_0000, .max] {
      var bytes = frame(configuration)
      bytes.store(UInt64(size), 480, 4)
      bytes.store(UInt64(UInt32.max), 468, 4)
      #expect(parse(bytes, configuration) == .legacy(.implausibleSize), "\(size)")
    }
    // The state is not smaller than the state with its magic.
    var bytes = frame(configuration)
    bytes.store(831, 468, 4)
    #expect(parse(bytes, configuration) == .legacy(.implausibleSize))
  }

  @Test func everyTruncationIsALegacyFrame() throws {
    let configuration = try #require(FPUConfiguration.make(.zen4, .xsavec))
    let whole = frame(configuration)
    for count in 0..<whole.count {
      let finding = parse([UInt8](whole[..<count]), configuration)
      #expect(finding == .legacy(count < 484 ? .tooShort : .noClosingMagic))
    }
  }

  @Test func componentsThatAreNotEnabledAreNotTaken() throws {
    let configuration = try #require(FPUConfiguration.make(.haswell, .xsave))
    var bytes = frame(configuration)
    bytes.store(.max, 472, 8)
    #expect(parse(bytes, configuration).kind == .standard([.x87, .sse, .avx]))
  }

  @Test func randomFramesStayWithinWhatTheKernelWrites() throws {
    var random = SeededGenerator(seed: 16)
    let configuration = try #require(FPUConfiguration.make(.zen4, .xsaves))
    for _ in 0..<20_000 {
      var bytes = frame(configuration)
      for _ in 0..<3 {
        bytes[464 + Int(random.next() % 24)] = UInt8(truncatingIfNeeded: random.next())
      }
      let finding = parse(bytes, configuration)
      #expect(finding.imageSize <= configuration.userSize)
    }
  }
}

extension [UInt8] {
  /// A 32-bit integer that may end with the array.
  func load32(_ offset: Int, upTo end: Int) -> UInt32 {
    [UInt8](self[offset..<Swift.min(offset + 4, end)]).load32Padded
  }
}
