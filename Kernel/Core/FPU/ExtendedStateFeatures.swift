/// What CPUID leaf 0Dh says of one state component (subleaf = number of the component, from 2).
public struct StateComponentDescription: Equatable, Sendable {
  /// The size in bytes, or zero where the processor does not have the component.
  public var sizeInBytes: UInt32
  /// The offset in bytes in an area of the standard format; zero for supervisor components.
  public var standardOffset: UInt32
  /// Enabled in IA32_XSS rather than XCR0 (ECX[0]).
  public var isSupervisor: Bool
  /// Starts on the next 64-byte boundary in the compacted format (ECX[1]).
  public var isAligned64: Bool

  public static var absent: StateComponentDescription {
    StateComponentDescription(sizeInBytes: 0, standardOffset: 0, isSupervisor: false, isAligned64: false)
  }

  public init(sizeInBytes: UInt32, standardOffset: UInt32, isSupervisor: Bool, isAligned64: Bool) {
    self.sizeInBytes = sizeInBytes
    self.standardOffset = standardOffset
    self.isSupervisor = isSupervisor
    self.isAligned64 = isAligned64
  }
}

/// What a processor can do in the way of XSAVE, decoded from CPUID leaf 0Dh (Intel SDM volume 1, section
/// 13.2).
public struct ExtendedStateFeatures: Equatable, Sendable {
  /// Components that XCR0 can enable. Empty without XSAVE.
  public var xcr0Supported: StateComponentMask
  /// Components that IA32_XSS can enable.
  public var xssSupported: StateComponentMask
  /// The size in bytes of a standard-format area for what XCR0 enables at present (EBX of subleaf 0).
  public var standardSizeForXCR0: UInt32
  /// The size in bytes of a standard-format area for everything that XCR0 can enable (ECX of subleaf 0).
  public var standardSizeMaximum: UInt32
  /// The size in bytes of a compacted area for what XCR0 and IA32_XSS enable at present (EBX of subleaf 1).
  public var compactedSizeForXCR0AndXSS: UInt32
  public var hasXSAVEOPT: Bool
  public var hasXSAVEC: Bool
  /// XGETBV with ECX = 1, which tells the components that are not in their initial state.
  public var hasXGETBV1: Bool
  public var hasXSAVES: Bool
  /// Extended feature disable, the #NM of single components.
  public var hasXFD: Bool
  /// Indexed by the number of the component. Components 0 and 1 are in the legacy region and absent here.
  public var components: InlineArray<32, StateComponentDescription>

  /// Areas larger than this are taken for a malfunctioning hypervisor's.
  static var sizeLimitInBytes: UInt32 { 64 * 1024 }

  /// A processor without XSAVE.
  public static var none: ExtendedStateFeatures { ExtendedStateFeatures() }

  init() {
    xcr0Supported = []
    xssSupported = []
    standardSizeForXCR0 = 0
    standardSizeMaximum = 0
    compactedSizeForXCR0AndXSS = 0
    hasXSAVEOPT = false
    hasXSAVEC = false
    hasXGETBV1 = false
    hasXSAVES = false
    hasXFD = false
    components = InlineArray(repeating: .absent)
  }

  public init(_ source: some CPUIDSource) {
    self.init()
    let cpu = GuardedCPUID(source)
    guard cpu.cpuid(leaf: 1, subleaf: 0).ecx.bit(26) else { return }
    let main = cpu.cpuid(leaf: 0xD, subleaf: 0)
    let more = cpu.cpuid(leaf: 0xD, subleaf: 1)
    xcr0Supported = StateComponentMask(rawValue: UInt64(main.edx) << 32 | UInt64(main.eax))
    xssSupported = StateComponentMask(rawValue: UInt64(more.edx) << 32 | UInt64(more.ecx))
    standardSizeForXCR0 = main.ebx
    standardSizeMaximum = main.ecx
    compactedSizeForXCR0AndXSS = more.ebx
    hasXSAVEOPT = more.eax.bit(0)
    hasXSAVEC = more.eax.bit(1)
    hasXGETBV1 = more.eax.bit(2)
    hasXSAVES = more.eax.bit(3)
    hasXFD = more.eax.bit(4)
    for number in 2..<components.count {
      let mask = StateComponentMask(rawValue: 1 << UInt64(number))
      // A subleaf without a component is undefined, not zero, on some hypervisors.
      guard !xcr0Supported.union(xssSupported).isDisjoint(with: mask) else { continue }
      let leaf = cpu.cpuid(leaf: 0xD, subleaf: UInt32(number))
      components[number] = StateComponentDescription(
        sizeInBytes: leaf.eax, standardOffset: leaf.ebx,
        isSupervisor: leaf.ecx.bit(0), isAligned64: leaf.ecx.bit(1))
    }
  }

  /// What the kernel can enable in XCR0 on this processor: supported by both, described sensibly by CPUID,
  /// and accepted by XSETBV.
  public var enabledMask: StateComponentMask {
    let wanted = xcr0Supported.intersection(.kernelSupported)
    var described = wanted.intersection(.legacy)
    for number in 2..<components.count {
      let mask = StateComponentMask(rawValue: 1 << UInt64(number))
      if wanted.contains(mask), isPlausible(components[number]) { described.formUnion(mask) }
    }
    return described.largestValidXCR0
  }

  /// Whether a user component lies behind the header and within the limit.
  func isPlausible(_ component: StateComponentDescription) -> Bool {
    let (end, overflow) = component.standardOffset.addingReportingOverflow(component.sizeInBytes)
    return component.sizeInBytes > 0 && component.standardOffset >= UInt32(StateArea.extendedRegionOffset)
      && !component.isSupervisor && !overflow && end <= Self.sizeLimitInBytes
  }

  public static func == (left: Self, right: Self) -> Bool {
    guard left.xcr0Supported == right.xcr0Supported, left.xssSupported == right.xssSupported,
      left.standardSizeForXCR0 == right.standardSizeForXCR0,
      left.standardSizeMaximum == right.standardSizeMaximum,
      left.compactedSizeForXCR0AndXSS == right.compactedSizeForXCR0AndXSS,
      left.hasXSAVEOPT == right.hasXSAVEOPT, left.hasXSAVEC == right.hasXSAVEC,
      left.hasXGETBV1 == right.hasXGETBV1, left.hasXSAVES == right.hasXSAVES, left.hasXFD == right.hasXFD
    else { return false }
    for number in 0..<left.components.count where left.components[number] != right.components[number] {
      return false
    }
    return true
  }
}
