/// A part of a program that is to be in memory before it runs.
///
/// The image has validated it: the file has `fileSize` bytes at `fileOffset`, and the memory is within user
/// memory. What is beyond `fileSize` in memory is zero.
public struct LoadSegment: Equatable, Sendable {
  /// Where the first byte goes: an address for an executable, a distance from the load address otherwise.
  public let virtualAddress: UInt64
  /// In bytes, at least 1.
  public let memorySize: UInt64
  /// Congruent to `virtualAddress` modulo the page size.
  public let fileOffset: UInt64
  /// In bytes, at most `memorySize`.
  public let fileSize: UInt64
  /// A power of two, or 0 for none.
  public let alignment: UInt64
  public let readable: Bool
  public let writable: Bool
  public let executable: Bool

  /// The address after the last byte.
  public var end: UInt64 { virtualAddress &+ memorySize }

  init(_ header: ProgramHeader) {
    virtualAddress = header.virtualAddress
    memorySize = header.memorySize
    fileOffset = header.fileOffset
    fileSize = header.fileSize
    alignment = header.alignment
    readable = header.isReadable
    writable = header.isWritable
    executable = header.isExecutable
  }

  /// Whether the address is in the segment's memory.
  public func contains(_ address: UInt64) -> Bool {
    address >= virtualAddress && address - virtualAddress < memorySize
  }
}

/// The initial image of a program's thread-local variables.
public struct ThreadLocalStorage: Equatable, Sendable {
  public let virtualAddress: UInt64
  /// In bytes; what is beyond `fileSize` is zero.
  public let memorySize: UInt64
  public let fileOffset: UInt64
  /// In bytes, at most `memorySize`.
  public let fileSize: UInt64
  /// A power of two, or 0 for none.
  public let alignment: UInt64

  init(_ header: ProgramHeader) {
    virtualAddress = header.virtualAddress
    memorySize = header.memorySize
    fileOffset = header.fileOffset
    fileSize = header.fileSize
    alignment = header.alignment
  }
}
