/// Tells whether an area that XSAVEC or XSAVES wrote is laid out as the manual says (Intel SDM volume 1,
/// section 13.4.3): an emulator that gets it wrong overwrites its own header, and the restore faults.
///
/// Bochs 2.7 does so: its first extended component begins behind the XMM registers, at byte 416, not behind
/// the header at byte 576.
public enum CompactedFormatCheck {
  /// - Parameters:
  ///   - area: what was written, `configuration.areaSize` bytes, in which SSE and AVX alone are in use.
  ///   - upperHalfOfYMM15: 16 bytes; the upper halves of YMM0 to YMM14 were zero.
  public static func isRight(
    _ area: UnsafeRawBufferPointer, configuration: FPUConfiguration,
    upperHalfOfYMM15 pattern: UnsafeRawBufferPointer
  ) -> Bool {
    guard area.count >= configuration.areaSize, pattern.count == 16, configuration.compacted,
      let compBV = area.integer(at: StateArea.xcompBVOffset, as: UInt64.self),
      let stateBV = area.integer(at: StateArea.xstateBVOffset, as: UInt64.self),
      compBV == configuration.xcompBV, stateBV & ~configuration.mask.rawValue == 0,
      stateBV & StateComponentMask.avx.rawValue != 0,
      let offset = configuration.layout.offset(of: .avx), offset + 256 <= area.count
    else { return false }
    for index in StateArea.headerReservedOffset..<StateArea.extendedRegionOffset where area[index] != 0 {
      return false
    }
    for index in 0..<240 where area[offset + index] != 0 { return false }
    for index in 0..<16 where area[offset + 240 + index] != pattern[index] { return false }
    return true
  }
}
