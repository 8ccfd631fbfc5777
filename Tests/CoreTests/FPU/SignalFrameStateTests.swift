import Testing

@testable import Core

@Suite struct SignalFrameStateTests {
  /// A frame as the kernel writes it, with all components in their initial state.
  private static func frame(_ configuration: FPUConfiguration) -> [UInt8] {
    var frame = [UInt8](repeating: 0, count: SignalFrameStateHeader.sizeInFrame(configuration))
    frame.withUnsafeMutableBytes { SignalFrameStateHeader.write(into: $0, configuration: configuration) }
    return frame
  }

  private static func isIntact(
    _ frame: [UInt8], _ state: SignalFrameState, mxcsr: UInt32 = 0x1F80, magicChange: UInt32 = 0
  ) -> Bool {
    frame.withUnsafeBytes { bytes in
      let magic = bytes.loadUnaligned(fromByteOffset: state.stateSize, as: UInt32.self)
      let words = (0..<14).map {
        bytes.loadUnaligned(fromByteOffset: SignalFrameState.wordsOffset + $0 * 8, as: UInt64.self)
      }
      return words.withUnsafeBufferPointer {
        state.isIntact($0.baseAddress!, mxcsr: mxcsr, closingMagic: magic ^ magicChange)
      }
    }
  }

  @Test(arguments: FPUConfiguration.everyComponentSubset)
  func writtenFramesAreIntact(configuration: FPUConfiguration) {
    let state = SignalFrameState(configuration)
    #expect(state.size == SignalFrameStateHeader.sizeInFrame(configuration))
    guard state.usesXSAVE else { return }
    #expect(Self.isIntact(Self.frame(configuration), state))
    #expect(!Self.isIntact(Self.frame(configuration), state, magicChange: 1))
    #expect(!Self.isIntact(Self.frame(configuration), state, mxcsr: 0x1_0000))
  }

  @Test func everyChangeOfTheDescriptionIsSeen() {
    for configuration in FPUConfiguration.everyComponentSubset where configuration.usesXSAVE {
      let state = SignalFrameState(configuration)
      let frame = Self.frame(configuration)
      for bit in 0..<SignalFrameState.wordsSize * 8 {
        var changed = frame
        changed[SignalFrameState.wordsOffset + bit / 8] ^= 1 << UInt8(bit % 8)
        // XSTATE_BV may have any component that the frame has; padding of the description is nobody's.
        let word = bit / 64
        let isFree =
          word == 6 && configuration.userMask.rawValue & 1 << UInt64(bit % 64) != 0 || word == 2 && bit % 64 >= 32
          || (3...5).contains(word)
        #expect(Self.isIntact(changed, state) == isFree)
      }
    }
  }
}
