import Core
import Machine

/// The kernel's random numbers: for keys, for stack guards, for /dev/urandom and getrandom(2). In any
/// context.
public enum RandomSource {
  nonisolated(unsafe) private static var lock = InterruptLock()
  nonisolated(unsafe) private static var generator: RandomGenerator?

  /// Seeds the generator from what the CPU has: its generator where there is one, and the jitter of the
  /// time-stamp counter against the bus.
  static func initialize() {
    var generator = RandomGenerator()
    let features = Platform.features
    var value: UInt64 = 0
    for _ in 0..<8 {
      if features.rdseed, readRandomSeed(&value) != 0 { generator.mix(value) }
      if features.rdrand, readRandomNumber(&value) != 0 { generator.mix(value) }
    }
    // A port's access takes a time that depends on everything else that goes on in the machine.
    for _ in 0..<64 {
      _ = portRead8(0x61)
      generator.mix(readTimeStampCounter())
    }
    self.generator = generator
  }

  /// A stream of random bytes for one request.
  static func makeStream() -> RandomStream {
    lock.withLock {
      if generator == nil { generator = RandomGenerator() }
      generator!.mix(readTimeStampCounter())
      return generator!.makeStream()
    }
  }

  /// A number that nobody can guess.
  static func next() -> UInt64 {
    var stream = makeStream()
    let block = stream.next()
    return UInt64(block[0]) | UInt64(block[1]) << 32
  }

  /// Takes in what somebody thinks is random, such as what is written to /dev/urandom.
  static func mix(_ seed: UInt64) {
    lock.withLock { generator?.mix(seed) }
  }

  /// Fills a buffer of the kernel's.
  static func fill(_ buffer: UnsafeMutableRawBufferPointer) {
    var stream = makeStream()
    var offset = 0
    while offset < buffer.count {
      let block = stream.next()
      let count = min(64, buffer.count - offset)
      withUnsafeBytes(of: block) {
        (buffer.baseAddress! + offset).copyMemory(from: $0.baseAddress!, byteCount: count)
      }
      offset += count
    }
  }
}
