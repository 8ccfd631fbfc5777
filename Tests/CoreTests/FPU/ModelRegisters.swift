import Core

/// The registers that the XSAVE feature set manages, as plain bytes.
struct ModelRegisters: Equatable {
  /// The first 24 bytes of the legacy region: FCW, FSW, tag, FOP, FIP, FDP.
  var environment: [UInt8]
  /// ST0-ST7, 16 bytes each.
  var stack: [UInt8]
  var xmm: [UInt8]
  var mxcsr: UInt32
  /// The components behind the header, by number.
  var extended: [Int: [UInt8]]

  /// The state after reset or FNINIT.
  static func initial(_ features: ExtendedStateFeatures, _ mask: StateComponentMask) -> ModelRegisters {
    var environment = [UInt8](repeating: 0, count: 24)
    environment[0] = 0x7F
    environment[1] = 0x03
    var extended: [Int: [UInt8]] = [:]
    for number in mask.numbers where number >= 2 {
      extended[number] = [UInt8](repeating: 0, count: Int(features.components[number].sizeInBytes))
    }
    return ModelRegisters(
      environment: environment, stack: [UInt8](repeating: 0, count: 128),
      xmm: [UInt8](repeating: 0, count: 256), mxcsr: 0x1F80, extended: extended)
  }

  /// The initial state, with random contents in the components of `used`.
  static func random(
    _ features: ExtendedStateFeatures, _ mask: StateComponentMask, used: StateComponentMask,
    _ random: inout SeededGenerator
  ) -> ModelRegisters {
    var registers = initial(features, mask)
    if used.contains(.x87) {
      registers.environment = random.bytes(24)
      registers.stack = random.bytes(128)
    }
    if used.contains(.sse) { registers.xmm = random.bytes(256) }
    for number in registers.extended.keys.sorted() where used.contains(.init(rawValue: 1 << UInt64(number))) {
      registers.extended[number] = random.bytes(registers.extended[number]!.count)
    }
    return registers
  }
}

extension StateComponentMask {
  /// The numbers of the components, ascending.
  var numbers: [Int] { (0..<64).filter { rawValue >> UInt64($0) & 1 != 0 } }

  /// Every subset, the empty one included.
  var subsets: [StateComponentMask] {
    var result: [StateComponentMask] = []
    var subset = rawValue
    while true {
      result.append(StateComponentMask(rawValue: subset))
      if subset == 0 { return result }
      subset = (subset - 1) & rawValue
    }
  }
}

extension [UInt8] {
  /// A little-endian integer.
  func load64(_ offset: Int) -> UInt64 {
    withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
  }
  func load32(_ offset: Int) -> UInt32 {
    withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
  }
  mutating func store(_ value: UInt64, _ offset: Int, _ size: Int) {
    for index in 0..<size { self[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
  }
  mutating func store(_ bytes: [UInt8], _ offset: Int) {
    withUnsafeMutableBytes { area in
      bytes.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(rebasing: area[offset..<offset + bytes.count]).copyMemory(from: $0)
      }
    }
  }
}
