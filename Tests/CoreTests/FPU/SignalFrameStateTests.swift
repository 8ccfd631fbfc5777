import Testing

@testable import Core

@Suite struct SignalFrameStateTests {
  @Test(arguments: FPUConfiguration.everyComponentSubset)
  func writtenFramesAreIntact(configuration: FPUConfiguration) {
    let state = SignalFrameState(configuration)
    #expect(state.size == SignalFrameStateHeader.sizeInFrame(configuration))
    guard state.usesXSAVE else { return }
    var words = state.words
    #expect(state.isIntact(words, mxcsr: 0x1F80, closingMagic: SignalFrameStateHeader.closingMagic))
    words[6] = configuration.userMask.rawValue
    #expect(state.isIntact(words, mxcsr: 0x1F80, closingMagic: SignalFrameStateHeader.closingMagic))

    // The same description that the slower way reads.
    var frame = [UInt8](repeating: 0, count: state.size)
    frame.withUnsafeMutableBytes { bytes in
      SignalFrameStateHeader.write(into: bytes, configuration: configuration)
      for index in 0..<6 {
        #expect(
          bytes.loadUnaligned(fromByteOffset: SignalFrameState.wordsOffset + index * 8, as: UInt64.self)
            == state.words[index])
      }
    }
  }

  @Test(arguments: FPUConfiguration.everyComponentSubset)
  func everyChangeOfTheDescriptionIsSeen(configuration: FPUConfiguration) {
    let state = SignalFrameState(configuration)
    guard state.usesXSAVE else { return }
    let magic = SignalFrameStateHeader.closingMagic
    for index in 0..<14 {
      for bit in 0..<64 as Range<UInt64> {
        var words = state.words
        words[index] ^= 1 << bit
        // XSTATE_BV may have any component that the frame has; padding of the description is nobody's.
        let isFree =
          index == 6 && configuration.userMask.rawValue & 1 << bit != 0 || index == 2 && bit >= 32
          || (3...5).contains(index)
        #expect(state.isIntact(words, mxcsr: 0x1F80, closingMagic: magic) == isFree)
      }
    }
    #expect(!state.isIntact(state.words, mxcsr: 0x1F80, closingMagic: magic ^ 1))
    #expect(!state.isIntact(state.words, mxcsr: 0x1_0000, closingMagic: magic))
  }
}
