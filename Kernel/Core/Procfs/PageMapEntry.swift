/// An entry of /proc/PID/pagemap: 64 bits for each page of the address space (Linux's admin-guide/mm/pagemap).
public struct PageMapEntry: Equatable, Sendable {
  public let rawValue: UInt64

  public static var sizeInBytes: Int { 8 }

  /// Of a page that has no frame.
  public static var absent: PageMapEntry { PageMapEntry(rawValue: 0) }

  @inline(__always)
  private init(rawValue: UInt64) { self.rawValue = rawValue }

  /// - Parameters:
  ///   - frameNumber: 0 for who may not know it.
  ///   - isOfFile: whether it is a file's page, or of shared memory.
  ///   - isMappedOnce: whether no other page table has it.
  public init(frameNumber: UInt64, isOfFile: Bool, isMappedOnce: Bool) {
    var bits: UInt64 = 1 << 63 | frameNumber & (1 << 55 - 1)
    if isOfFile { bits |= 1 << 61 }
    if isMappedOnce { bits |= 1 << 56 }
    rawValue = bits
  }
}
