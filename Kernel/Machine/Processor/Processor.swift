import Core
import Instructions

/// The CPUID instruction of the CPU that executes it.
public struct HardwareCPUID: CPUIDSource {
  public init() {}

  public func cpuid(leaf: UInt32, subleaf: UInt32) -> CPUIDRegisters {
    let out = executeCPUID(leaf, subleaf)
    return CPUIDRegisters(eax: out.eax, ebx: out.ebx, ecx: out.ecx, edx: out.edx)
  }
}

/// Control-register bits that the kernel sets (Intel SDM volume 3, section 2.5).
public enum CR0 {
  public static var monitorCoprocessor: UInt64 { 1 << 1 }
  public static var emulation: UInt64 { 1 << 2 }
  public static var taskSwitched: UInt64 { 1 << 3 }
  public static var numericError: UInt64 { 1 << 5 }
}

public enum CR4 {
  public static var osFXSR: UInt64 { 1 << 9 }
  public static var osXMMException: UInt64 { 1 << 10 }
  public static var umip: UInt64 { 1 << 11 }
  /// FSGSBASE.
  public static var segmentBases: UInt64 { 1 << 16 }
  public static var osXSAVE: UInt64 { 1 << 18 }
  public static var smep: UInt64 { 1 << 20 }
  public static var smap: UInt64 { 1 << 21 }
  public static var protectionKeys: UInt64 { 1 << 22 }
}

/// Model-specific registers (Intel SDM volume 4).
public enum MSR {
  public static var apicBase: UInt32 { 0x1B }
  public static var xss: UInt32 { 0xDA0 }
  public static var efer: UInt32 { 0xC000_0080 }
  public static var star: UInt32 { 0xC000_0081 }
  public static var lstar: UInt32 { 0xC000_0082 }
  public static var cstar: UInt32 { 0xC000_0083 }
  public static var flagMask: UInt32 { 0xC000_0084 }
  public static var fsBase: UInt32 { 0xC000_0100 }
  public static var kernelGSBase: UInt32 { 0xC000_0102 }
  public static var tscAuxiliary: UInt32 { 0xC000_0103 }
}
