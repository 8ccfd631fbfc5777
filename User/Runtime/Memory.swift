import Assembly

/// Protection and flags of mmap, as Linux numbers them.
public enum Mapping {
  public static let none: UInt = 0
  public static let read: UInt = 1
  public static let write: UInt = 2
  public static let execute: UInt = 4
  public static let shared: UInt = 0x01
  public static let `private`: UInt = 0x02
  public static let fixed: UInt = 0x10
  public static let anonymous: UInt = 0x20

  public static let pageSize = 4096

  /// New zeroed private memory, readable and writable.
  ///
  /// The programs take all memory that they need this way: they have no heap.
  ///
  /// - Returns: the memory, or nil where the kernel has none.
  public static func allocate(sizeInBytes: Int) -> UnsafeMutableRawPointer? {
    let result = callSystem(
      SystemCallNumber.mmap, 0, UInt(sizeInBytes), read | write, `private` | anonymous, UInt.max, 0)
    return result < 0 ? nil : UnsafeMutableRawPointer(bitPattern: result)
  }

  /// Gives back what `allocate` returned.
  public static func free(_ memory: UnsafeMutableRawPointer, sizeInBytes: Int) {
    _ = callSystem(SystemCallNumber.munmap, address(memory), UInt(sizeInBytes))
  }
}
