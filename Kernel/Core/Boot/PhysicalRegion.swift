/// A range of physical memory, as the firmware describes it.
public struct PhysicalRegion: Equatable, Sendable {
  /// What the memory may be used for (Multiboot2 specification 2.0, section 3.6.8).
  public enum Kind: UInt8, Sendable {
    /// Memory for any use.
    case available
    /// Device memory, or not to be touched for an unknown reason.
    case reserved
    /// Holds ACPI tables, and is free once they are no longer needed.
    case acpiReclaimable
    /// Kept by ACPI across sleep.
    case acpiNonVolatile
    /// Memory with a defect.
    case defective

    init(multibootType: UInt32) {
      switch multibootType {
      case 1: self = .available
      case 3: self = .acpiReclaimable
      case 4: self = .acpiNonVolatile
      case 5: self = .defective
      default: self = .reserved
      }
    }
  }

  /// The physical address of the first byte.
  public var base: UInt64
  /// The size in bytes, at least 1. `base + (length - 1)` does not overflow.
  public var length: UInt64
  public var kind: Kind

  public init(base: UInt64, length: UInt64, kind: Kind) {
    self.base = base
    self.length = length
    self.kind = kind
  }
}
