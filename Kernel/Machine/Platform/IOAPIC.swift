import Instructions

/// An I/O APIC (Intel 82093AA data sheet, section 3).
public struct IOAPIC: Sendable {
  private let base: UInt64

  /// - Parameter base: the virtual address of the registers, mapped uncached.
  public init(base: UInt64) { self.base = base }

  private func read(_ index: UInt32) -> UInt32 {
    deviceWrite32(base, index)
    return deviceRead32(base + 0x10)
  }

  private func write(_ index: UInt32, _ value: UInt32) {
    deviceWrite32(base, index)
    deviceWrite32(base + 0x10, value)
  }

  /// The number of inputs.
  public var inputCount: Int { Int(read(1) >> 16 & 0xFF) + 1 }

  /// Masks every input.
  public func maskAll() {
    for input in 0..<inputCount { write(UInt32(0x10 + input * 2), 1 << 16) }
  }

  /// Routes an input to one CPU.
  public func route(input: Int, vector: UInt8, apicID: UInt32, activeLow: Bool, levelTriggered: Bool) {
    write(UInt32(0x11 + input * 2), apicID << 24)
    let polarity: UInt32 = activeLow ? 1 << 13 : 0
    let trigger: UInt32 = levelTriggered ? 1 << 15 : 0
    write(UInt32(0x10 + input * 2), UInt32(vector) | polarity | trigger)
  }
}
