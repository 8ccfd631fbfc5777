import Core
import Machine

/// A program's arguments or its environment: strings with their terminating zeros, one after the other.
struct StringVector: ~Copyable {
  /// The bytes that a program's arguments and its environment may each have.
  static var capacity: Int { 128 << 10 }

  private let memory: UnsafeMutableRawBufferPointer
  private(set) var byteCount = 0
  private(set) var count = 0

  /// An empty vector with room for `capacity` bytes; nil when memory is out.
  init?(capacity: Int = StringVector.capacity) {
    guard let start = KernelHeap.allocate(size: capacity, alignment: 16) else { return nil }
    memory = UnsafeMutableRawBufferPointer(start: start, count: capacity)
  }

  deinit {
    KernelHeap.deallocate(memory.baseAddress!)
  }

  /// The strings, zeros included.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[0..<byteCount]) }

  /// Adds a string. False where there is no room.
  mutating func append(_ text: ByteView) -> Bool {
    guard memory.count - byteCount > text.count else { return false }
    if let base = text.base {
      (memory.baseAddress! + byteCount).copyMemory(from: base, byteCount: text.count)
    }
    memory[byteCount + text.count] = 0
    byteCount += text.count + 1
    count += 1
    return true
  }

  /// Adds `name=value`. False where there is no room.
  mutating func append(name: ByteView, value: ByteView) -> Bool {
    let size = name.count + 1 + value.count
    guard memory.count - byteCount > size else { return false }
    let place = UnsafeMutableRawBufferPointer(rebasing: memory[byteCount..<byteCount + size + 1])
    place[..<name.count].copyBytes(from: name.bytes)
    place[name.count] = UInt8(ascii: "=")
    place[(name.count + 1)..<size].copyBytes(from: value.bytes)
    place[size] = 0
    byteCount += size + 1
    count += 1
    return true
  }

  /// Adds the words of a line, separated by blanks.
  mutating func appendWords(of line: ByteView) -> Bool {
    var start = 0
    while start < line.count {
      var end = start
      while end < line.count, line[end] != 32 { end += 1 }
      if end > start, let word = line.slice(at: start, count: end - start), !append(word) { return false }
      start = end + 1
    }
    return true
  }

  /// Adds a string from user memory.
  mutating func appendUserString(_ address: UInt64) throws(Errno) {
    let room = UnsafeMutableBufferPointer(
      start: (memory.baseAddress! + byteCount).assumingMemoryBound(to: UInt8.self),
      count: memory.count - byteCount)
    guard room.count > 0 else { throw .argumentsTooLong }
    guard let length = UserMemory.copyInString(room, from: address) else { throw .badAddress }
    guard length < room.count else { throw .argumentsTooLong }
    byteCount += length + 1
    count += 1
  }

  /// Adds the strings that an array of pointers in user memory names, up to its null pointer.
  mutating func appendUserStrings(_ array: UInt64) throws(Errno) {
    if array == 0 { return }
    var place = array
    while true {
      guard let address = UserMemory.load(UInt64(0), from: place) else { throw .badAddress }
      if address == 0 { return }
      try appendUserString(address)
      place += 8
    }
  }
}
