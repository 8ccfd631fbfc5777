import Core
import Machine

/// Text that the kernel makes up for a file such as those of /proc. Grows as it is written; once memory is out it
/// takes no more and says so.
struct GeneratedText: ~Copyable {
  private var memory: UnsafeMutableRawPointer?
  private var capacity = 0
  private(set) var count = 0
  /// Whether something had no room.
  private(set) var isCut = false

  private static var limit: Int { 4 << 20 }

  init() {}

  deinit {
    if let memory { KernelHeap.deallocate(memory) }
  }

  var view: ByteView {
    guard let memory else { return ByteView("") }
    return ByteView(base: memory, count: count)
  }

  mutating func removeAll() {
    count = 0
    isCut = false
  }

  mutating func append(_ bytes: ByteView) {
    guard let base = bytes.base, reserve(bytes.count), let memory else { return }
    (memory + count).copyMemory(from: base, byteCount: bytes.count)
    count += bytes.count
  }

  mutating func append(_ literal: StaticString) { append(ByteView(literal)) }

  @_disfavoredOverload
  mutating func append(_ message: Message) {
    guard reserve(message.count), let memory else { return }
    for index in 0..<message.count {
      (memory + count + index).storeBytes(of: message[index], as: UInt8.self)
    }
    count += message.count
  }

  mutating func append(byte: UInt8) {
    guard reserve(1), let memory else { return }
    (memory + count).storeBytes(of: byte, as: UInt8.self)
    count += 1
  }

  mutating func append<Number: FixedWidthInteger>(_ number: Number) {
    if number < 0 { append(byte: UInt8(ascii: "-")) }
    var digits = InlineArray<24, UInt8>(repeating: 0)
    var digitCount = 0
    var rest = UInt64(number.magnitude)
    repeat {
      digits[digitCount] = UInt8(truncatingIfNeeded: rest % 10) + 48
      digitCount += 1
      rest /= 10
    } while rest != 0
    while digitCount > 0 {
      digitCount -= 1
      append(byte: digits[digitCount])
    }
  }

  private mutating func reserve(_ more: Int) -> Bool {
    if isCut { return false }
    if capacity - count >= more { return true }
    var size = max(capacity * 2, 256)
    while size - count < more { size *= 2 }
    guard size <= Self.limit, Frames.freeCount > Frames.reserve * 2,
      let new = KernelHeap.allocate(size: size, alignment: 16)
    else {
      isCut = true
      return false
    }
    if let memory {
      new.copyMemory(from: memory, byteCount: count)
      KernelHeap.deallocate(memory)
    }
    memory = new
    capacity = size
    return true
  }
}
