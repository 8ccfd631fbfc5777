/// Where decompressed bytes go.
public protocol InflateOutput {
  /// How many bytes there are so far.
  var count: Int { get }
  mutating func append(_ byte: UInt8) throws(InflateError)
  mutating func append(_ bytes: ByteView) throws(InflateError)
  /// Repeats `length` bytes that begin `distance` before the end, which is at most `count`.
  mutating func repeatBytes(distance: Int, length: Int) throws(InflateError)
  /// Forgets what came from an offset on.
  mutating func truncate(to count: Int)
  /// Whether what came from an offset on has that CRC-32, as far as the output can tell.
  func hasChecksum(_ checksum: UInt32, from start: Int) -> Bool
}

/// Counts only: how much memory the bytes will need.
public struct InflateCounter: InflateOutput {
  public private(set) var count = 0
  private let limit: Int

  /// - Parameter limit: at which counting ends with `outputFull`, in bytes.
  public init(limit: Int) { self.limit = limit }

  public mutating func append(_ byte: UInt8) throws(InflateError) { try add(1) }
  public mutating func append(_ bytes: ByteView) throws(InflateError) { try add(bytes.count) }
  public mutating func repeatBytes(distance: Int, length: Int) throws(InflateError) { try add(length) }
  public mutating func truncate(to count: Int) { self.count = min(count, self.count) }
  public func hasChecksum(_ checksum: UInt32, from start: Int) -> Bool { true }

  private mutating func add(_ length: Int) throws(InflateError) {
    guard length <= limit - count else { throw .outputFull }
    count += length
  }
}

/// Memory of a fixed size.
public struct InflateBuffer: InflateOutput {
  private let memory: UnsafeMutableRawBufferPointer
  public private(set) var count = 0

  public init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

  public mutating func truncate(to count: Int) { self.count = min(count, self.count) }

  public func hasChecksum(_ checksum: UInt32, from start: Int) -> Bool {
    CRC32().checksum(of: ByteView(UnsafeRawBufferPointer(rebasing: memory[start..<count]))) == checksum
  }

  public mutating func append(_ byte: UInt8) throws(InflateError) {
    guard count < memory.count else { throw .outputFull }
    memory[count] = byte
    count += 1
  }

  public mutating func append(_ bytes: ByteView) throws(InflateError) {
    guard bytes.count <= memory.count - count else { throw .outputFull }
    if let base = bytes.base { (memory.baseAddress! + count).copyMemory(from: base, byteCount: bytes.count) }
    count += bytes.count
  }

  public mutating func repeatBytes(distance: Int, length: Int) throws(InflateError) {
    guard length <= memory.count - count else { throw .outputFull }
    let target = memory.baseAddress! + count
    let source = target - distance
    // Byte by byte: where the two overlap, what was just written is read again.
    for index in 0..<length {
      (target + index).copyMemory(from: source + index, byteCount: 1)
    }
    count += length
  }
}
