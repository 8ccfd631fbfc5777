extension TextBuffer {
  /// Puts a name so that it stays one word on one line: blanks, tabs, newlines and backslashes as octal numbers
  /// behind a backslash, as /proc/mounts has them.
  public mutating func put(escaped bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      switch byte {
      case 9, 10, 32, 35, 92: putEscape(byte)
      default: put(byte: byte)
      }
    }
  }

  /// Puts a name so that it stays on one line, as /proc/PID/maps has it.
  public mutating func put(onOneLine bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      if byte == 10 { putEscape(byte) } else { put(byte: byte) }
    }
  }

  private mutating func putEscape(_ byte: UInt8) {
    put("\\")
    put(octal: UInt64(byte), digits: 3)
  }

  /// Puts 128 bits as a random UUID (version 4, RFC 9562): the bits for version and variant are replaced.
  public mutating func put(uuid high: UInt64, _ low: UInt64) {
    let high = high & ~0xF000 | 0x4000
    let low = low & ~(3 << 62) | 2 << 62
    put(hexadecimal: high >> 32, digits: 8)
    put("-")
    put(hexadecimal: high >> 16 & 0xFFFF, digits: 4)
    put("-")
    put(hexadecimal: high & 0xFFFF, digits: 4)
    put("-")
    put(hexadecimal: low >> 48, digits: 4)
    put("-")
    put(hexadecimal: low & 0xFFFF_FFFF_FFFF, digits: 12)
  }

  /// Puts seconds with two digits behind the point.
  public mutating func put(hundredths: UInt64) {
    put(hundredths / 100)
    put(".")
    put(hundredths % 100, digits: 2)
  }
}
