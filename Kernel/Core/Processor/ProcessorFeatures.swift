/// What the kernel wants to know about a processor, decoded from CPUID.
///
/// Bit positions are those of the Intel SDM volume 2, CPUID, and of the AMD APM volume 3, appendix E. The
/// extended states have a decoder of their own: `ExtendedStateFeatures`.
public struct ProcessorFeatures: Equatable, Sendable {
  public var vendor: ProcessorVendor
  /// The family, with the extended family added where the manuals say so.
  public var family: UInt32
  /// The model, with the extended model in its upper half.
  public var model: UInt32
  public var stepping: UInt32
  /// The last basic leaf.
  public var lastBasicLeaf: UInt32
  /// The last extended leaf, or zero.
  public var lastExtendedLeaf: UInt32
  /// The identifier of the local APIC of the CPU that ran CPUID, as at reset (8 bits).
  public var initialAPICIdentifier: UInt32

  // FPU and SIMD.
  public var fpu, fxsr, sse, sse2, sse3, ssse3, sse41, sse42: Bool
  public var avx, avx2, fma, avx512f, xsave: Bool
  /// CPUID 8000_0008h EBX[2]: FXSAVE and XSAVE always write FIP, FDP and FOP, and the restores load them.
  public var xSaveErPtr: Bool

  // Memory protection and paging.
  public var nx, smep, smap, umip, pku, pge, pcid, invpcid, page1GB, la57: Bool

  // System calls, segments, interrupts and time.
  public var longMode, syscall, fsgsbase, apic, x2apic, tsc, tscDeadline, invariantTSC, rdtscp: Bool

  // The rest.
  public var rdrand, rdseed, erms, fsrm, hypervisor: Bool

  public init(_ source: some CPUIDSource) {
    let cpu = GuardedCPUID(source)
    let vendorLeaf = cpu.cpuid(leaf: 0, subleaf: 0)
    let basic = cpu.cpuid(leaf: 1, subleaf: 0)
    let structured = cpu.cpuid(leaf: 7, subleaf: 0)
    let extended = cpu.cpuid(leaf: 0x8000_0001, subleaf: 0)
    let power = cpu.cpuid(leaf: 0x8000_0007, subleaf: 0)
    let sizes = cpu.cpuid(leaf: 0x8000_0008, subleaf: 0)

    vendor = ProcessorVendor(leaf0: vendorLeaf)
    lastBasicLeaf = cpu.lastBasicLeaf
    lastExtendedLeaf = cpu.lastExtendedLeaf
    initialAPICIdentifier = basic.ebx >> 24

    // The extended family counts in family 15 only, the extended model in families 6 and 15.
    let baseFamily = basic.eax >> 8 & 0xF
    family = baseFamily == 15 ? baseFamily + (basic.eax >> 20 & 0xFF) : baseFamily
    let extendedModel = baseFamily == 6 || baseFamily == 15 ? basic.eax >> 16 & 0xF : 0
    model = extendedModel << 4 | basic.eax >> 4 & 0xF
    stepping = basic.eax & 0xF

    fpu = basic.edx.bit(0)
    tsc = basic.edx.bit(4)
    apic = basic.edx.bit(9)
    pge = basic.edx.bit(13)
    fxsr = basic.edx.bit(24)
    sse = basic.edx.bit(25)
    sse2 = basic.edx.bit(26)
    sse3 = basic.ecx.bit(0)
    ssse3 = basic.ecx.bit(9)
    fma = basic.ecx.bit(12)
    pcid = basic.ecx.bit(17)
    sse41 = basic.ecx.bit(19)
    sse42 = basic.ecx.bit(20)
    x2apic = basic.ecx.bit(21)
    tscDeadline = basic.ecx.bit(24)
    // Bit 27, OSXSAVE, only mirrors CR4: it says nothing about the processor.
    xsave = basic.ecx.bit(26)
    avx = basic.ecx.bit(28)
    rdrand = basic.ecx.bit(30)
    hypervisor = basic.ecx.bit(31)

    fsgsbase = structured.ebx.bit(0)
    avx2 = structured.ebx.bit(5)
    smep = structured.ebx.bit(7)
    erms = structured.ebx.bit(9)
    invpcid = structured.ebx.bit(10)
    avx512f = structured.ebx.bit(16)
    rdseed = structured.ebx.bit(18)
    smap = structured.ebx.bit(20)
    umip = structured.ecx.bit(2)
    pku = structured.ecx.bit(3)
    la57 = structured.ecx.bit(16)
    fsrm = structured.edx.bit(4)

    syscall = extended.edx.bit(11)
    nx = extended.edx.bit(20)
    page1GB = extended.edx.bit(26)
    rdtscp = extended.edx.bit(27)
    longMode = extended.edx.bit(29)
    invariantTSC = power.edx.bit(8)
    xSaveErPtr = sizes.ebx.bit(2)
  }
}

extension UInt32 {
  /// Whether the bit with this number is set.
  func bit(_ number: UInt32) -> Bool { self >> number & 1 != 0 }
}
