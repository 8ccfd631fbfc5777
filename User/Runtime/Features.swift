import Assembly

/// What this CPU has and this kernel lets programs use.
public enum Features {
  /// CPUID.1:ECX.OSXSAVE: the kernel has set CR4.OSXSAVE, and XGETBV may be executed.
  static var hasXGETBV: Bool { readCPUID(1, 0).ecx & 1 << 27 != 0 }

  static func xcr0Has(_ components: UInt64) -> Bool {
    hasXGETBV && readXCR0() & components == components
  }

  static var lastBasicLeaf: UInt32 { readCPUID(0, 0).eax }

  /// AVX registers: CPUID.1:ECX.AVX, with SSE and AVX in XCR0 (Intel SDM volume 1, section 14.3).
  public static var hasAVX: Bool {
    readCPUID(1, 0).ecx & 1 << 28 != 0 && xcr0Has(0b110)
  }

  /// AVX-512 registers: AVX512F and AVX512BW of leaf 7, with opmask and both ZMM components in XCR0
  /// (section 15.2).
  public static var hasAVX512: Bool {
    guard lastBasicLeaf >= 7 else { return false }
    let extensions = readCPUID(7, 0).ebx
    return extensions & 1 << 16 != 0 && extensions & 1 << 30 != 0 && xcr0Has(0b1110_0110)
  }

  /// RDPKRU and WRPKRU: CPUID.7.0:ECX.OSPKE (volume 3A, section 4.6.2).
  public static var hasProtectionKeys: Bool {
    lastBasicLeaf >= 7 && readCPUID(7, 0).ecx & 1 << 4 != 0
  }
}

/// Ends the program because the CPU lacks what it is about.
public func refuseUnsupported(program: StaticString, _ feature: StaticString) -> Never {
  var line = TextLine()
  line.add(program)
  line.add(": no ")
  line.add(feature)
  line.add(" on this CPU, or the kernel has not enabled it")
  line.write()
  exitProcess(ExitStatus.unsupported)
}
