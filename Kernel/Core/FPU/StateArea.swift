/// Offsets and values that every area of FPU state shares.
///
/// The legacy region is that of FXSAVE64 (Intel SDM volume 1, section 10.5.1), the header follows it
/// (section 13.4.2), and the extended region follows the header (section 13.4.3). All in bytes.
public enum StateArea {
  public static var controlWordOffset: Int { 0 }
  public static var statusWordOffset: Int { 2 }
  /// One bit per register, set where the register is not empty; the full tag word is not stored.
  public static var abridgedTagOffset: Int { 4 }
  public static var opcodeOffset: Int { 6 }
  public static var instructionPointerOffset: Int { 8 }
  public static var dataPointerOffset: Int { 16 }
  public static var mxcsrOffset: Int { 24 }
  public static var mxcsrMaskOffset: Int { 28 }
  /// ST0-ST7 or MM0-MM7, 16 bytes each.
  public static var stackRegistersOffset: Int { 32 }
  public static var xmmRegistersOffset: Int { 160 }
  public static var xmmRegistersEnd: Int { 416 }
  /// Bytes that no instruction touches: a signal frame describes itself here.
  public static var softwareBytesOffset: Int { 464 }
  public static var legacySizeInBytes: Int { 512 }

  public static var xstateBVOffset: Int { 512 }
  public static var xcompBVOffset: Int { 520 }
  public static var headerReservedOffset: Int { 528 }
  /// Where the extended region starts, and the size of an area without one.
  public static var extendedRegionOffset: Int { 576 }

  /// The boundary that XSAVE and XRSTOR demand of an area's address.
  public static var alignment: Int { 64 }

  /// Set in XCOMP_BV where the area is in the compacted format.
  public static var compactedFormatBit: UInt64 { 1 << 63 }

  /// FCW after FNINIT: all exceptions masked, 64-bit precision, round to nearest.
  public static var initialControlWord: UInt16 { 0x037F }
  /// MXCSR after reset: all exceptions masked, round to nearest.
  public static var initialMXCSR: UInt32 { 0x1F80 }
  /// What a zero in the MXCSR_MASK field of FXSAVE means (Intel SDM volume 1, section 11.6.6).
  public static var defaultMXCSRMask: UInt32 { 0xFFBF }

  /// The bits of MXCSR that may be set, from the MXCSR_MASK field that FXSAVE wrote on this CPU.
  public static func mxcsrMask(fromFXSAVE field: UInt32) -> UInt32 {
    field == 0 ? defaultMXCSRMask : field
  }
}
