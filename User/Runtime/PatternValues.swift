import Assembly

/// A stream of bits that is a function of its key alone (the SplitMix64 generator).
struct BitStream {
  private var state: UInt64

  init(key: UInt64) {
    state = key
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return bits ^ bits >> 31
  }
}

/// A number in the x87 80-bit format (Intel SDM volume 1, section 4.2.2).
struct ExtendedNumber {
  /// With the integer bit explicit.
  var significand: UInt64
  /// The sign in bit 15, the biased exponent below.
  var signAndExponent: UInt16

  /// An integer of up to 64 bits, which the format holds exactly.
  init(integer magnitude: UInt64, isNegative: Bool) {
    let shift = UInt64(magnitude.leadingZeroBitCount)
    significand = magnitude << shift
    signAndExponent = UInt16(16383 + 63 - shift) | (isNegative ? 0x8000 : 0)
  }

  /// 1/3 as the control word's precision and rounding make it.
  ///
  /// Its significand is 1010... without end, so the bits behind a place are more than half of it where the
  /// first of them is 1, that is where an even number of bits is kept.
  init(thirdRoundedBy control: UInt16) {
    let keptBits: UInt64
    switch control >> 8 & 3 {
    case 2: keptBits = 53
    case 3: keptBits = 64
    default: keptBits = 24
    }
    let unit = UInt64(1) << (64 - keptBits)
    significand = 0xAAAA_AAAA_AAAA_AAAA & ~(unit - 1)
    let isUp: Bool
    switch control >> 10 & 3 {
    case 0: isUp = keptBits % 2 == 0
    case 2: isUp = true
    default: isUp = false
    }
    if isUp { significand += unit }
    signAndExponent = 16383 - 2
  }

  private var isNegative: Bool { signAndExponent & 0x8000 != 0 }

  /// The condition codes of FCOM with this number in ST0: C0 where it is less, C3 where equal (volume 2A).
  func conditionCodes(comparedWith other: ExtendedNumber) -> UInt16 {
    if significand == other.significand, signAndExponent == other.signAndExponent { return 0x4000 }
    if isNegative != other.isNegative { return isNegative ? 0x0100 : 0 }
    let exponent = signAndExponent & 0x7FFF
    let otherExponent = other.signAndExponent & 0x7FFF
    let isSmaller =
      exponent != otherExponent ? exponent < otherExponent : significand < other.significand
    return isSmaller != isNegative ? 0x0100 : 0
  }
}

/// 1/3 in single precision as MXCSR's rounding control makes it: nearest and up differ from down and zero.
func singleThird(roundedBy mxcsr: UInt32) -> UInt32 {
  let control = mxcsr >> 13 & 3
  return control == 0 || control == 2 ? 0x3EAA_AAAB : 0x3EAA_AAAA
}
