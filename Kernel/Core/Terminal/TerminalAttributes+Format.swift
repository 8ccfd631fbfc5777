/// The structures in which programs give and get attributes.
extension TerminalAttributes {
  public enum Format: Sendable {
    /// `struct termio`: 16-bit flags and eight characters (TCGETA).
    case short
    /// The kernel's `struct termios` (TCGETS).
    case plain
    /// `struct termios2`, with the speeds (TCGETS2).
    case withSpeeds

    /// In bytes.
    public var size: Int {
      switch self {
      case .short: 18
      case .plain: 36
      case .withSpeeds: 44
      }
    }
  }

  /// Writes the structure into `format.size` bytes.
  public func encode(_ format: Format, into bytes: UnsafeMutableRawBufferPointer) {
    for index in 0..<format.size { bytes[index] = 0 }
    if format == .short {
      for (place, flags) in [input.rawValue, output.rawValue, control, local.rawValue].enumerated() {
        bytes.storeBytes(of: UInt16(truncatingIfNeeded: flags), toByteOffset: place * 2, as: UInt16.self)
      }
      bytes[8] = discipline
      for index in 0..<8 { bytes[9 + index] = characters[index] }
      return
    }
    bytes.storeBytes(of: input.rawValue, toByteOffset: 0, as: UInt32.self)
    bytes.storeBytes(of: output.rawValue, toByteOffset: 4, as: UInt32.self)
    bytes.storeBytes(of: control, toByteOffset: 8, as: UInt32.self)
    bytes.storeBytes(of: local.rawValue, toByteOffset: 12, as: UInt32.self)
    bytes[16] = discipline
    for index in 0..<Self.controlCharacterCount { bytes[17 + index] = characters[index] }
    if format == .withSpeeds {
      bytes.storeBytes(of: inputSpeed, toByteOffset: 36, as: UInt32.self)
      bytes.storeBytes(of: outputSpeed, toByteOffset: 40, as: UInt32.self)
    }
  }

  /// Takes over what a structure of `format.size` bytes says; what it has no place for stays.
  public mutating func decode(_ format: Format, from bytes: UnsafeRawBufferPointer) {
    if format == .short {
      func flags(_ place: Int, over old: UInt32) -> UInt32 {
        old & 0xFFFF_0000 | UInt32(bytes.loadUnaligned(fromByteOffset: place * 2, as: UInt16.self))
      }
      input = TerminalInputFlags(rawValue: flags(0, over: input.rawValue))
      output = TerminalOutputFlags(rawValue: flags(1, over: output.rawValue))
      control = flags(2, over: control)
      local = TerminalLocalFlags(rawValue: flags(3, over: local.rawValue))
      discipline = bytes[8]
      for index in 0..<8 { characters[index] = bytes[9 + index] }
      takeSpeedsFromControl()
      return
    }
    input = TerminalInputFlags(rawValue: bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
    output = TerminalOutputFlags(rawValue: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    control = bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    local = TerminalLocalFlags(rawValue: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
    discipline = bytes[16]
    for index in 0..<Self.controlCharacterCount { characters[index] = bytes[17 + index] }
    if format == .withSpeeds {
      inputSpeed = bytes.loadUnaligned(fromByteOffset: 36, as: UInt32.self)
      outputSpeed = bytes.loadUnaligned(fromByteOffset: 40, as: UInt32.self)
    }
    takeSpeedsFromControl()
  }
}
