/// A set of CPUs as Linux writes it: `0-3,5`.
public struct CPUList: Sendable {
  private let mask: UInt64

  /// - Parameter mask: a bit for each CPU.
  public init(_ mask: UInt64) { self.mask = mask }

  /// Writes ranges of numbers, without a newline.
  public func write(to text: inout TextBuffer) {
    var number = 0
    var isFirst = true
    while number < 64 {
      guard contains(number) else {
        number += 1
        continue
      }
      let start = number
      while number < 64, contains(number) { number += 1 }
      if !isFirst { text.put(",") }
      isFirst = false
      text.put(start)
      if number - 1 > start {
        text.put("-")
        text.put(number - 1)
      }
    }
  }

  /// Writes the mask in hexadecimal, in groups of 32 CPUs with the highest first, without a newline.
  public func writeMask(to text: inout TextBuffer, cpuCount: Int) {
    if cpuCount > 32 {
      text.put(hexadecimal: mask >> 32, digits: (cpuCount - 32 + 3) / 4)
      text.put(",")
    }
    text.put(hexadecimal: mask & 0xFFFF_FFFF, digits: (min(cpuCount, 32) + 3) / 4)
  }

  private func contains(_ number: Int) -> Bool { mask >> UInt64(number) & 1 != 0 }
}
