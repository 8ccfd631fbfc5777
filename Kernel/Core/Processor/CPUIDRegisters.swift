/// What one execution of CPUID returned.
public struct CPUIDRegisters: Equatable, Sendable {
  public var eax: UInt32
  public var ebx: UInt32
  public var ecx: UInt32
  public var edx: UInt32

  public init(eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32) {
    self.eax = eax
    self.ebx = ebx
    self.ecx = ecx
    self.edx = edx
  }

  /// What a leaf that the processor does not have is taken to say.
  public static var zero: CPUIDRegisters { CPUIDRegisters(eax: 0, ebx: 0, ecx: 0, edx: 0) }
}
