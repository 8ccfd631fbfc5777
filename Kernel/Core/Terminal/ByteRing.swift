/// Bytes on their way from one side to another, in memory that somebody else owns.
public struct ByteRing: ~Copyable {
  private let bytes: UnsafeMutablePointer<UInt8>
  public let capacity: Int
  private var start = 0
  public private(set) var count = 0

  /// - Parameter memory: `capacity` bytes, which outlive it.
  public init(memory: UnsafeMutableRawPointer, capacity: Int) {
    bytes = memory.bindMemory(to: UInt8.self, capacity: capacity)
    self.capacity = capacity
  }

  public var room: Int { capacity - count }
  public var isEmpty: Bool { count == 0 }

  public var first: UInt8? { count == 0 ? nil : bytes[start] }

  /// Adds a byte; the caller has looked at `room`.
  public mutating func append(_ byte: UInt8) {
    bytes[(start + count) % capacity] = byte
    count += 1
  }

  /// Adds what fits.
  ///
  /// - Returns: how many bytes.
  public mutating func append(_ source: UnsafeRawBufferPointer) -> Int {
    let total = min(source.count, room)
    var done = 0
    while done < total {
      let place = (start + count) % capacity
      let portion = min(total - done, capacity - place)
      UnsafeMutableRawPointer(bytes + place).copyMemory(from: source.baseAddress! + done, byteCount: portion)
      count += portion
      done += portion
    }
    return total
  }

  public mutating func removeFirst() -> UInt8? {
    if count == 0 { return nil }
    let byte = bytes[start]
    start = (start + 1) % capacity
    count -= 1
    return byte
  }

  /// Takes out what there is and fits.
  ///
  /// - Returns: how many bytes.
  public mutating func remove(into target: UnsafeMutableRawBufferPointer) -> Int {
    let total = min(target.count, count)
    var done = 0
    while done < total {
      let portion = min(total - done, capacity - start)
      (target.baseAddress! + done).copyMemory(from: bytes + start, byteCount: portion)
      start = (start + portion) % capacity
      count -= portion
      done += portion
    }
    return total
  }

  public mutating func removeAll() { count = 0 }

  /// - Parameter number: at most `count`.
  public mutating func removeFirst(_ number: Int) {
    start = (start + number) % capacity
    count -= number
  }

  /// - Parameter number: at most `count`.
  public mutating func removeLast(_ number: Int) { count -= number }

  /// Puts a byte between others; the caller has looked at `room`.
  ///
  /// - Parameter index: at most `count`.
  public mutating func insert(_ byte: UInt8, at index: Int) {
    var place = count
    while place > index {
      bytes[(start + place) % capacity] = bytes[(start + place - 1) % capacity]
      place -= 1
    }
    bytes[(start + index) % capacity] = byte
    count += 1
  }
}
