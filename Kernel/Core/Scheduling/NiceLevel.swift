/// The share of the processor that belongs to a nice level.
enum NiceLevel {
  /// Weights for nice -20...19: 1024 at level 0, and from one level to the next a factor of about 1.25, so
  /// that one level up costs a thread some 10% against another. The values are Linux's, as programs that
  /// use nice levels are tuned to these proportions.
  private static let weights: InlineArray<40, UInt32> = [
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
    9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
    1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
    110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
  ]

  static func clamped(_ nice: Int) -> Int8 {
    Int8(truncatingIfNeeded: min(max(nice, -20), 19))
  }

  /// - Parameter nice: in -20...19.
  static func weight(of nice: Int8) -> UInt32 {
    weights[Int(nice) + 20]
  }
}
