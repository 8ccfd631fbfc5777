/// Where CPUID leaves come from: the instruction in the kernel, recorded data in the host tests.
public protocol CPUIDSource {
  /// Reads one leaf, exactly as the instruction returns it.
  func cpuid(leaf: UInt32, subleaf: UInt32) -> CPUIDRegisters
}

/// A source whose leaves beyond the processor's last one read as zero.
///
/// Intel processors answer a basic leaf beyond the last with the data of the last one (Intel SDM volume 2,
/// CPUID), which decodes to features that are not there.
public struct GuardedCPUID<Source: CPUIDSource>: CPUIDSource {
  let source: Source
  /// The last basic leaf that the processor has.
  public let lastBasicLeaf: UInt32
  /// The last leaf of the range at 8000_0000h, or zero where the processor has no such range.
  public let lastExtendedLeaf: UInt32

  public init(_ source: Source) {
    self.source = source
    lastBasicLeaf = source.cpuid(leaf: 0, subleaf: 0).eax
    let last = source.cpuid(leaf: 0x8000_0000, subleaf: 0).eax
    // A processor without the range answers with the data of its last basic leaf instead.
    lastExtendedLeaf = last >> 16 == 0x8000 ? last : 0
  }

  public func cpuid(leaf: UInt32, subleaf: UInt32) -> CPUIDRegisters {
    let last = leaf < 0x8000_0000 ? lastBasicLeaf : lastExtendedLeaf
    return leaf <= last ? source.cpuid(leaf: leaf, subleaf: subleaf) : .zero
  }
}
