/// What an x87 or SIMD exception was, for the code of SIGFPE.
public enum FloatingPointFault {
  /// The code for unmasked exceptions, in Linux's order: of several the first counts. 0 where there is none: an
  /// exception that is gone by the time it is looked at.
  ///
  /// The bits are those of FSW and FCW, and of MXCSR and its masks (Intel SDM volume 1, sections 8.1.3 and 10.2.3).
  public static func code(ofExceptions unmasked: UInt32) -> Int32 {
    if unmasked & 0x01 != 0 { return SignalCode.floatingPointInvalid }
    if unmasked & 0x04 != 0 { return SignalCode.floatingPointDivide }
    if unmasked & 0x08 != 0 { return SignalCode.floatingPointOverflow }
    if unmasked & 0x12 != 0 { return SignalCode.floatingPointUnderflow }  // underflow or a denormal operand
    if unmasked & 0x20 != 0 { return SignalCode.floatingPointInexact }
    return 0
  }

  /// #MF, by the x87 control and status words.
  public static func code(controlWord: UInt16, statusWord: UInt16) -> Int32 {
    code(ofExceptions: UInt32(statusWord) & ~UInt32(controlWord) & 0x3F)
  }

  /// #XM, by MXCSR: masks lie 7 bits above the exceptions.
  public static func code(mxcsr: UInt32) -> Int32 {
    code(ofExceptions: mxcsr & ~(mxcsr >> 7) & 0x3F)
  }
}
