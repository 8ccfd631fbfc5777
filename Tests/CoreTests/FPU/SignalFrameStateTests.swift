import Core
import Testing

@Suite struct SignalFrameStateTests {
  typealias Description = SignalFrameState.Description

  @Test(arguments: FPUConfiguration.everyComponentSubset)
  func writtenFramesDescribeThemselves(configuration: FPUConfiguration) {
    let state = SignalFrameState(configuration)
    let claim = state.claim(of: state.description)
    if configuration.usesXSAVE {
      #expect(claim == .extended(configuration.xcr0, closingMagicOffset: configuration.userSize))
      #expect(state.size == configuration.userSize + 4)
    } else {
      #expect(claim == .legacy)
      #expect(state.size == 512)
    }
  }

  /// The bytes that programs and debuggers rely on.
  @Test func layoutIsLinux() throws {
    let state = SignalFrameState(try #require(FPUConfiguration.make(.haswell, .xsave)))
    #expect(state.size == 836)
    let words = withUnsafeBytes(of: state.description) { [UInt8]($0) }
    #expect(words.count == 24)
    #expect(Description.offset == 464)
    #expect(words.load32(0) == 0x4650_5853)
    #expect(words.load32(4) == 836)
    #expect(words.load64(8) == 7)
    #expect(words.load32(16) == 832)
    #expect(words.load32(20) == 0)
    #expect(state.description.firstWord == 836 << 32 | 0x4650_5853)
  }

  /// Linux describes these too, with no component.
  @Test func layoutOfAFrameOfFXSAVEIsLinux() throws {
    let state = SignalFrameState(try #require(FPUConfiguration.make(.haswell, .fxsave)))
    #expect(
      state.description == Description(magic: 0x4650_5853, extendedSize: 516, components: 0, stateSize: 512))
  }

  @Test func frameWithoutItsMagicIsALegacyOne() throws {
    let state = SignalFrameState(try #require(FPUConfiguration.make(.cascadeLake, .xsaves)))
    for bit in 0..<32 {
      var description = state.description
      description.magic ^= 1 << bit
      #expect(state.claim(of: description) == .legacy)
    }
  }

  @Test func frameFromASmallerProcessorIsReadAtItsOwnSize() throws {
    let small = SignalFrameState(try #require(FPUConfiguration.make(.haswell, .xsave)))
    let large = SignalFrameState(try #require(FPUConfiguration.make(.cascadeLake, .xsaves)))
    #expect(large.claim(of: small.description) == .extended([.x87, .sse, .avx], closingMagicOffset: 832))
  }

  @Test func sizesOfUserModeNeverDecide() throws {
    let state = SignalFrameState(try #require(FPUConfiguration.make(.haswell, .xsave)))
    for size in [UInt32(0), 511, 512, 575, 833, 836, 0x7FFF_FFFF, 0x8000_0000, .max] {
      var description = state.description
      description.stateSize = size
      description.extendedSize = .max
      #expect(state.claim(of: description) == .legacy, "\(size)")
    }
    // The state is not smaller than the state with its magic.
    var description = state.description
    description.extendedSize = 831
    #expect(state.claim(of: description) == .legacy)
  }

  @Test func componentsThatAreNotEnabledAreNotTaken() throws {
    let state = SignalFrameState(try #require(FPUConfiguration.make(.haswell, .xsave)))
    var description = state.description
    description.components = .max
    #expect(state.claim(of: description) == .extended([.x87, .sse, .avx], closingMagicOffset: 832))
    description.components = 0
    #expect(state.claim(of: description) == .extended([], closingMagicOffset: 832))
  }

  @Test func reservedBitsOfMXCSRAreRefusedWhereTheyWouldBeLoaded() throws {
    let configuration = try #require(FPUConfiguration.make(.haswell, .xsave))
    let state = SignalFrameState(configuration)
    for bit in 0..<32 {
      let mxcsr = UInt32(1) << bit
      let isDefined = configuration.mxcsrMask & mxcsr != 0
      #expect(state.accepts(mxcsr: mxcsr, for: nil) == isDefined)
      #expect(state.accepts(mxcsr: mxcsr, for: [.x87, .sse, .avx]) == isDefined)
      #expect(state.accepts(mxcsr: mxcsr, for: [.x87, .avx]) == isDefined)
      #expect(state.accepts(mxcsr: mxcsr, for: .x87))
    }
  }

  @Test func randomDescriptionsStayWithinWhatTheKernelWrites() throws {
    var random = SeededGenerator(seed: 16)
    let configuration = try #require(FPUConfiguration.make(.zen4, .xsaves))
    let state = SignalFrameState(configuration)
    for _ in 0..<20_000 {
      var description = state.description
      switch random.next() % 3 {
      case 0: description.stateSize = UInt32(truncatingIfNeeded: random.next() % 6000)
      case 1: description.extendedSize = UInt32(truncatingIfNeeded: random.next() % 6000)
      default: description.components = random.next()
      }
      if case .extended(let components, let offset) = state.claim(of: description) {
        #expect(offset >= 576 && offset <= configuration.userSize)
        #expect(configuration.userMask.isSuperset(of: components))
      }
    }
  }
}
