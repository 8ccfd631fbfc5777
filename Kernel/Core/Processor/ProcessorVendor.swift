/// Who designed the processor, as far as the kernel treats designers differently.
public enum ProcessorVendor: UInt8, Sendable {
  case intel
  case amd
  /// AMD's Zen design, sold under another vendor string.
  case hygon
  case other

  /// Decodes the twelve letters of CPUID leaf 0, which are in EBX, EDX and ECX in this order.
  init(leaf0 registers: CPUIDRegisters) {
    switch (registers.ebx, registers.edx, registers.ecx) {
    case (0x756E_6547, 0x4965_6E69, 0x6C65_746E): self = .intel  // "GenuineIntel"
    case (0x6874_7541, 0x6974_6E65, 0x444D_4163): self = .amd  // "AuthenticAMD"
    case (0x6F67_7948, 0x6E65_476E, 0x656E_6975): self = .hygon  // "HygonGenuine"
    default: self = .other
    }
  }
}
