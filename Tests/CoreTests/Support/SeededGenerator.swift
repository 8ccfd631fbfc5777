import Glibc

/// SplitMix64: the same seed gives the same operations on every run and machine. `NEEDLETAIL_SEED` in the environment,
/// a number, shifts the seeds of all tests, for a search beyond those that every run tries.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed &+ Self.shift &* 0xd134_2543_de82_ef95
  }

  private static let shift = getenv("NEEDLETAIL_SEED").flatMap { UInt64(String(cString: $0)) } ?? 0

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A number in 0..<bound.
  mutating func below(_ bound: Int) -> Int {
    Int(next() % UInt64(bound))
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      for start in stride(from: 0, to: count, by: 8) {
        let word = next()
        for index in start..<min(start + 8, count) {
          buffer[index] = UInt8(truncatingIfNeeded: word >> UInt64(8 * (index - start)))
        }
      }
      initialized = count
    }
  }
}
