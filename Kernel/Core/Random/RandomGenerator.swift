/// A generator of random bytes from a seed: ChaCha20 with fast key erasure.
///
/// Each request takes a key of its own, and the generator's key is replaced in the same step: who learns the
/// generator's state later cannot tell what it gave before (Bernstein, "Fast-key-erasure random-number
/// generators", 2017).
public struct RandomGenerator {
  private var key: ChaCha20.Key

  /// A generator without a seed, whose output anybody can work out.
  public init() { key = ChaCha20.Key(repeating: 0) }

  /// Takes a seed in, on top of what is there: a bad one makes nothing worse.
  public mutating func mix(_ seed: UInt64) {
    key[0] ^= UInt32(truncatingIfNeeded: seed)
    key[1] ^= UInt32(truncatingIfNeeded: seed >> 32)
    replaceKey(domain: 1)
  }

  /// The stream for one request.
  public mutating func makeStream() -> RandomStream {
    let stream = RandomStream(key: key)
    replaceKey(domain: 2)
    return stream
  }

  /// - Parameter domain: keeps the uses of a key apart; streams have 0.
  private mutating func replaceKey(domain: UInt32) {
    let block = ChaCha20.block(key: key, counter: 0, nonce: [domain, 0, 0])
    for index in 0..<8 { key[index] = block[index] }
  }
}

/// Random bytes for one request, 64 at a time: up to 256 GiB.
public struct RandomStream {
  private let key: ChaCha20.Key
  private var counter: UInt32 = 0

  init(key: ChaCha20.Key) { self.key = key }

  public mutating func next() -> ChaCha20.Block {
    defer { counter &+= 1 }
    return ChaCha20.block(key: key, counter: counter, nonce: [0, 0, 0])
  }
}
