/// The block function of the stream cipher ChaCha20 (RFC 8439, section 2.3).
public enum ChaCha20 {
  public typealias Key = InlineArray<8, UInt32>
  public typealias Nonce = InlineArray<3, UInt32>
  public typealias Block = InlineArray<16, UInt32>

  /// The 64 bytes of key stream at a block counter, as words of the least significant byte first.
  public static func block(key: Key, counter: UInt32, nonce: Nonce) -> Block {
    let initial: Block = [
      // "expand 32-byte k"
      0x6170_7865, 0x3320_646E, 0x7962_2D32, 0x6B20_6574,
      key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7],
      counter, nonce[0], nonce[1], nonce[2],
    ]
    var state = initial
    for _ in 0..<10 {
      quarterRound(&state, 0, 4, 8, 12)
      quarterRound(&state, 1, 5, 9, 13)
      quarterRound(&state, 2, 6, 10, 14)
      quarterRound(&state, 3, 7, 11, 15)
      quarterRound(&state, 0, 5, 10, 15)
      quarterRound(&state, 1, 6, 11, 12)
      quarterRound(&state, 2, 7, 8, 13)
      quarterRound(&state, 3, 4, 9, 14)
    }
    for index in 0..<16 { state[index] &+= initial[index] }
    return state
  }

  /// Section 2.1.
  @inline(__always)
  static func quarterRound(_ state: inout Block, _ a: Int, _ b: Int, _ c: Int, _ d: Int) {
    step(&state, a, b, d, 16)
    step(&state, c, d, b, 12)
    step(&state, a, b, d, 8)
    step(&state, c, d, b, 7)
  }

  /// `sum` grows by `addend`, `mixed` takes it in and is rotated to the left.
  @inline(__always)
  private static func step(_ state: inout Block, _ sum: Int, _ addend: Int, _ mixed: Int, _ bits: UInt32) {
    state[sum] &+= state[addend]
    let value = state[mixed] ^ state[sum]
    state[mixed] = value << bits | value >> (32 - bits)
  }
}
