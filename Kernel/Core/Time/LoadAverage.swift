/// How many threads ran or wanted to, on average over the last 1, 5 and 15 minutes (proc_loadavg(5)):
/// decaying exponentially, in fixed point with 11 binary places, as Linux has it.
public struct LoadAverage: Equatable, Sendable {
  public private(set) var values: InlineArray<3, UInt64> = [0, 0, 0]

  public init() {}

  public static var fractionBits: UInt64 { 11 }
  /// Seconds between two samples.
  public static var interval: UInt64 { 5 }

  /// Takes a sample.
  public mutating func add(active: UInt64) {
    // 2^11 / e^(5 s / 1 min), and for 5 and 15 minutes.
    let decay: InlineArray<3, UInt64> = [1884, 2014, 2037]
    for index in 0..<3 {
      let target = active << Self.fractionBits
      var sum = values[index] &* decay[index] &+ target &* (2048 - decay[index])
      // Rounded up on the way up, so that a constant load is reached.
      if target >= values[index] { sum &+= 2047 }
      values[index] = sum >> Self.fractionBits
    }
  }

  public static func == (left: LoadAverage, right: LoadAverage) -> Bool {
    left.values[0] == right.values[0] && left.values[1] == right.values[1]
      && left.values[2] == right.values[2]
  }
}
