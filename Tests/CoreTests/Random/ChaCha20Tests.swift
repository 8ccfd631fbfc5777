@testable import Core
import Testing

@Suite struct ChaCha20Tests {
  /// The bytes 0, 1, 2, ... as a key.
  private var ascendingKey: ChaCha20.Key {
    var key = ChaCha20.Key(repeating: 0)
    for index in 0..<8 {
      let first = UInt32(index * 4)
      key[index] = first | (first + 1) << 8 | (first + 2) << 16 | (first + 3) << 24
    }
    return key
  }

  private func words(_ block: ChaCha20.Block) -> [UInt32] { (0..<16).map { block[$0] } }

  @Test func quarterRoundOfSection211() {
    var state = ChaCha20.Block(repeating: 0)
    state[0] = 0x1111_1111
    state[1] = 0x0102_0304
    state[2] = 0x9B8D_6F43
    state[3] = 0x0123_4567
    ChaCha20.quarterRound(&state, 0, 1, 2, 3)
    #expect(state[0] == 0xEA2A_92F4)
    #expect(state[1] == 0xCB1C_F8CE)
    #expect(state[2] == 0x4581_472E)
    #expect(state[3] == 0x5881_C4BB)
  }

  @Test func blockOfSection232() {
    let block = ChaCha20.block(key: ascendingKey, counter: 1, nonce: [0x0900_0000, 0x4A00_0000, 0])
    #expect(
      words(block) == [
        0xE4E7_F110, 0x1559_3BD1, 0x1FDD_0F50, 0xC471_20A3, 0xC7F4_D1C7, 0x0368_C033, 0x9AAA_2204, 0x4E6C_D4C3,
        0x4664_82D2, 0x09AA_9F07, 0x05D7_C214, 0xA202_8BD9, 0xD19C_12B5, 0xB94E_16DE, 0xE883_D0CB, 0x4E3C_50A2,
      ])
  }

  /// Appendix A.1, test vector 1.
  @Test func blockOfTheZeroKey() {
    let block = ChaCha20.block(key: ChaCha20.Key(repeating: 0), counter: 0, nonce: [0, 0, 0])
    #expect(
      words(block) == [
        0xADE0_B876, 0x903D_F1A0, 0xE56A_5D40, 0x28BD_8653, 0xB819_D2BD, 0x1AED_8DA0, 0xCCEF_36A8, 0xC70D_778B,
        0x7C59_41DA, 0x8D48_5751, 0x3FE0_2477, 0x374A_D8B8, 0xF4B8_436A, 0x1CA1_1815, 0x69B6_87C3, 0x8665_EEB2,
      ])
  }

  @Test func requestsDifferAndSeedsMatter() {
    var first = RandomGenerator()
    var second = RandomGenerator()
    var firstStream = first.makeStream()
    var secondStream = second.makeStream()
    let start = words(firstStream.next())
    #expect(start == words(secondStream.next()))
    #expect(start != words(firstStream.next()))
    var nextStream = first.makeStream()
    #expect(start != words(nextStream.next()))
    second.mix(1)
    var seededStream = second.makeStream()
    #expect(words(seededStream.next()) != start)
  }
}
