import Assembly

/// What a set of registers is to hold, and what it was found to hold.
public struct PatternImage {
  public let pattern: Pattern
  /// The expected bytes, laid out as `pattern.registers` says.
  public let expected: UnsafeMutableRawPointer
  /// The bytes found after the wait, laid out alike.
  public let observed: UnsafeMutableRawPointer

  /// Takes memory for one set; nil where the kernel has none.
  ///
  /// - Parameter observed: where the found values are, if they are there already.
  public init?(_ address: UnsafePointer<Pattern>, observed: UnsafeMutableRawPointer? = nil) {
    pattern = address.pointee
    guard pattern.imageSize <= UInt64(Mapping.pageSize) else { return nil }
    guard let memory = Mapping.allocate(sizeInBytes: 2 * Mapping.pageSize) else { return nil }
    expected = memory
    self.observed = observed ?? memory + Mapping.pageSize
  }

  public var count: Int { Int(pattern.count) }

  public func register(_ index: Int) -> RegisterDescription { pattern.registers[index] }

  private func role(_ register: RegisterDescription) -> UInt32 { UInt32(register.role) }

  /// Writes a new set of values. Different keys give different bits in every register that may hold any.
  public func fill(key: UInt64) {
    var bits = BitStream(key: key)
    for index in 0..<count { fillOne(register(index), &bits) }
    for index in 0..<count { deriveOne(register(index)) }
  }

  private func fillOne(_ register: RegisterDescription, _ bits: inout BitStream) {
    let destination = expected + Int(register.offset)
    switch role(register) {
    case registerRoleBits.rawValue:
      for offset in stride(from: 0, to: Int(register.size), by: 8) {
        destination.storeBytes(of: bits.next(), toByteOffset: offset, as: UInt64.self)
      }
    case registerRoleFlags.rawValue:
      destination.storeBytes(of: 0x202 | bits.next() & 0x401, as: UInt64.self)
    case registerRoleX87Value.rawValue:
      let random = bits.next()
      let number = ExtendedNumber(
        integer: bits.next() >> (random & 31) | 1, isNegative: random & 32 != 0)
      destination.storeBytes(of: number.significand, as: UInt64.self)
      destination.storeBytes(of: number.signAndExponent, toByteOffset: 8, as: UInt16.self)
    case registerRoleX87Control.rawValue:
      // All exceptions masked. Precision 1 is reserved.
      let random = UInt16(truncatingIfNeeded: bits.next())
      let precision: UInt16 = random & 3 == 1 ? 3 : random & 3
      destination.storeBytes(of: 0x7F | precision << 8 | (random >> 2 & 3) << 10, as: UInt16.self)
    case registerRoleMXCSR.rawValue:
      // All exceptions masked; any of the six flags, any rounding, flush to zero or not.
      let random = UInt32(truncatingIfNeeded: bits.next())
      destination.storeBytes(of: 0x1F80 | random & 0xE03F, as: UInt32.self)
    case registerRoleProtectionKeys.rawValue:
      // Key 0, which all pages have, stays accessible.
      destination.storeBytes(of: UInt32(truncatingIfNeeded: bits.next()) & ~3, as: UInt32.self)
    default: break
    }
  }

  /// Writes the values that follow from others.
  private func deriveOne(_ register: RegisterDescription) {
    let destination = expected + Int(register.offset)
    switch role(register) {
    case registerRoleX87Status.rawValue:
      guard let first = x87Value(0), let second = x87Value(1) else { return }
      destination.storeBytes(of: first.conditionCodes(comparedWith: second), as: UInt16.self)
    case registerRoleX87Quotient.rawValue:
      guard let control = offset(of: registerRoleX87Control) else { return }
      let third = ExtendedNumber(
        thirdRoundedBy: expected.load(fromByteOffset: control, as: UInt16.self))
      destination.storeBytes(of: third.significand, as: UInt64.self)
      destination.storeBytes(of: third.signAndExponent, toByteOffset: 8, as: UInt16.self)
    case registerRoleSSEQuotient.rawValue:
      guard let control = offset(of: registerRoleMXCSR) else { return }
      let third = singleThird(roundedBy: expected.load(fromByteOffset: control, as: UInt32.self))
      destination.storeBytes(of: third, as: UInt32.self)
    default: break
    }
  }

  /// Writes what the registers hold in a new program: x87 as FNINIT leaves it, the exceptions of SSE masked,
  /// all others 0 (Intel SDM volume 1, sections 8.1.5 and 11.6.4).
  public func fillInitial() {
    for index in 0..<count {
      let destination = expected + Int(register(index).offset)
      switch role(register(index)) {
      case registerRoleX87Control.rawValue: destination.storeBytes(of: 0x037F, as: UInt16.self)
      case registerRoleX87Tags.rawValue: destination.storeBytes(of: 0xFFFF, as: UInt16.self)
      case registerRoleMXCSR.rawValue: destination.storeBytes(of: 0x1F80, as: UInt32.self)
      default: break
      }
    }
  }

  /// The offset of the first register with a role.
  private func offset(of wanted: RegisterRole) -> Int? {
    for index in 0..<count where role(register(index)) == wanted.rawValue {
      return Int(register(index).offset)
    }
    return nil
  }

  /// The value of one x87 register by its place on the stack.
  private func x87Value(_ place: Int) -> ExtendedNumber? {
    guard let first = offset(of: registerRoleX87Value) else { return nil }
    let source = expected + first + place * 16
    var number = ExtendedNumber(integer: 1, isNegative: false)
    number.significand = source.load(as: UInt64.self)
    number.signAndExponent = source.load(fromByteOffset: 8, as: UInt16.self)
    return number
  }

  /// The index of the register with a name, counted from 1 as `Pattern.run` wants it.
  public func number(named name: Argument) -> UInt64? {
    for index in 0..<count {
      let isSame = withName(of: register(index)) { candidate, size in
        for place in 0..<size where candidate[place] != name.text[place] { return false }
        return name.text[size] == 0
      }
      if isSame { return UInt64(index) + 1 }
    }
    return nil
  }
}

/// Calls `body` with a register's name and the name's length.
func withName<Result>(
  of register: RegisterDescription, _ body: (UnsafePointer<UInt8>, Int) -> Result
) -> Result {
  var name = register.name
  return withUnsafeBytes(of: &name) { bytes in
    var size = 0
    while size < bytes.count, bytes[size] != 0 { size += 1 }
    return body(bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self), size)
  }
}
