import Core

/// Gives `parse` every beginning of `sample`, the empty one and the whole included.
func forEachTruncation(of sample: [UInt8], _ parse: (Int, ByteView) -> Void) {
  let memory = GuardedBytes(capacity: sample.count)
  for count in 0...sample.count {
    withExtendedLifetime(memory) { parse(count, memory.view(sample[..<count])) }
  }
}

/// Gives `parse` damaged copies of `sample`: bits flipped, bytes taken out, fields of all sizes with extreme
/// values. `tail` follows undamaged, and `repair` can make right again what would hide the rest.
func forEachMutation(
  of sample: [UInt8], followedBy tail: [UInt8] = [], count: Int, seed: UInt64,
  repair: (inout [UInt8]) -> Void = { _ in }, _ parse: (ByteView) -> Void
) {
  var generator = SeededGenerator(seed: seed)
  let memory = GuardedBytes(capacity: sample.count + tail.count)
  let extremes: [UInt64] = [
    0, 1, 7, 0x7F, 0x80, 0xFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, .max / 2, .max, .max - 7,
  ]
  for _ in 0..<count {
    var bytes = sample
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let place = Int.random(in: bytes.indices, using: &generator)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
      case 2:
        bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...16, using: &generator)))
      default:
        let value = extremes.randomElement(using: &generator)!
        let size = [2, 4, 8].randomElement(using: &generator)!
        for offset in 0..<size where place + offset < bytes.count {
          bytes[place + offset] = UInt8(truncatingIfNeeded: value >> UInt64(8 * offset))
        }
      }
      if bytes.isEmpty { break }
    }
    bytes += tail
    repair(&bytes)
    withExtendedLifetime(memory) { parse(memory.view(bytes)) }
  }
}

/// Reads both ends, which crashes where the view stands over memory that was never given.
func touch(_ view: ByteView?) -> UInt32 {
  guard let bytes = view?.bytes, let first = bytes.first, let last = bytes.last else { return 0 }
  return UInt32(first) + UInt32(last)
}
