import Core
import Machine

/// A program's arguments or its environment: strings with their terminating zeros, one after the other.
struct StringVector: ~Copyable {
  /// The longest single string with its zero, in bytes (execve(2), MAX_ARG_STRLEN).
  static var longestString: Int { 128 << 10 }

  /// What arguments and environment may have together with their pointers, in bytes: a quarter of the stack's
  /// limit, within bounds.
  static func limit(ofStack stackLimit: UInt64) -> Int {
    Int(min(max(stackLimit / 4, 128 << 10), 6 << 20))
  }

  private var memory: UnsafeMutableRawBufferPointer
  /// How many bytes there may be.
  private let limit: Int
  private(set) var byteCount = 0
  private(set) var count = 0

  /// An empty vector; nil when memory is out.
  ///
  /// - Parameters:
  ///   - capacity: bytes that there is room for at first.
  ///   - limit: bytes that there may be.
  init?(capacity: Int = 4096, limit: Int = 2 << 20) {
    guard let start = KernelHeap.allocate(size: capacity, alignment: 16) else { return nil }
    self.limit = max(limit, capacity)
    memory = UnsafeMutableRawBufferPointer(start: start, count: capacity)
  }

  deinit {
    KernelHeap.deallocate(memory.baseAddress!)
  }

  /// The strings, zeros included.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[0..<byteCount]) }

  /// The first string, as long as the vector is not changed.
  var first: ByteView { ByteView(bytes).cString(at: 0) ?? ByteView("") }

  /// Makes room for more bytes than there are. False where that is beyond the limit, or memory is out.
  private mutating func grow(toHold needed: Int) -> Bool {
    guard needed <= limit else { return false }
    var capacity = memory.count
    while capacity < needed { capacity *= 2 }
    capacity = min(capacity, limit)
    guard let start = KernelHeap.allocate(size: capacity, alignment: 16) else { return false }
    start.copyMemory(from: memory.baseAddress!, byteCount: byteCount)
    KernelHeap.deallocate(memory.baseAddress!)
    memory = UnsafeMutableRawBufferPointer(start: start, count: capacity)
    return true
  }

  /// The arguments of a script's interpreter: what the script's first line says, the script, and the
  /// arguments behind the first of these.
  func behind(_ line: ScriptLine, script: ByteView) throws(ProgramError) -> StringVector {
    guard var vector = StringVector(limit: limit) else { throw .outOfMemory }
    guard vector.append(line.interpreter), line.argument.map({ vector.append($0) }) ?? true, vector.append(script)
    else { throw .argumentsTooLong }
    let rest = UnsafeRawBufferPointer(rebasing: bytes[min(first.count + 1, byteCount)...])
    guard vector.append(strings: rest, count: max(count - 1, 0)) else { throw .argumentsTooLong }
    return vector
  }

  /// Adds strings that stand one after the other with their zeros.
  private mutating func append(strings: UnsafeRawBufferPointer, count added: Int) -> Bool {
    if strings.isEmpty { return true }
    if memory.count - byteCount < strings.count, !grow(toHold: byteCount + strings.count) { return false }
    (memory.baseAddress! + byteCount).copyMemory(from: strings.baseAddress!, byteCount: strings.count)
    byteCount += strings.count
    count += added
    return true
  }

  /// Adds a string. False where there is no room.
  mutating func append(_ text: ByteView) -> Bool {
    if memory.count - byteCount <= text.count, !grow(toHold: byteCount + text.count + 1) { return false }
    if let base = text.base {
      (memory.baseAddress! + byteCount).copyMemory(from: base, byteCount: text.count)
    }
    memory[byteCount + text.count] = 0
    byteCount += text.count + 1
    count += 1
    return true
  }

  /// Adds `name=value`. False where there is no room.
  mutating func append(name: ByteView, value: ByteView) -> Bool { append(name, "=", value) }

  /// Adds a text of the kernel's.
  mutating func append(_ text: Message) -> Bool {
    var bytes = InlineArray<64, UInt8>(repeating: 0)
    let length = min(text.count, 64)
    for index in 0..<length { bytes[index] = text[index] }
    return withUnsafeBytes(of: bytes) { append(ByteView(UnsafeRawBufferPointer(rebasing: $0[0..<length]))) }
  }

  /// Adds a string that consists of three.
  mutating func append(_ first: ByteView, _ middle: StaticString, _ last: ByteView) -> Bool {
    let added = count
    guard append(first) else { return false }
    for part in [ByteView(middle), last] {
      // Over the zero of the part before.
      byteCount -= 1
      guard append(part) else { return false }
    }
    count = added + 1
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
    while true {
      let room = UnsafeMutableBufferPointer(
        start: (memory.baseAddress! + byteCount).assumingMemoryBound(to: UInt8.self),
        count: min(memory.count - byteCount, Self.longestString))
      if room.count > 0 {
        guard let length = UserMemory.copyInString(room, from: address) else { throw .badAddress }
        if length < room.count {
          byteCount += length + 1
          count += 1
          return
        }
      }
      guard room.count < Self.longestString, memory.count < limit else { throw .argumentsTooLong }
      guard grow(toHold: min(memory.count * 2, limit)) else { throw .outOfMemory }
    }
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
