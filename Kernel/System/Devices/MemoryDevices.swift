import Core
import Machine

/// Major number 1: null, zero, full, random and urandom, and the kernel's log (null(4), full(4), random(4),
/// kmsg).
///
/// /dev/mem, /dev/kmem and /dev/port are not there: nobody but the kernel touches physical memory.
final class MemoryDevices: CharacterDriver, @unchecked Sendable {
  static var major: UInt32 { 1 }

  enum Minor {
    static var null: UInt32 { 3 }
    static var zero: UInt32 { 5 }
    static var full: UInt32 { 7 }
    static var random: UInt32 { 8 }
    static var urandom: UInt32 { 9 }
    static var log: UInt32 { 11 }
  }

  override func open(_ node: FileNode, minor: UInt32, _ flags: OpenFlags) throws(Errno) -> OpenFile {
    switch minor {
    case Minor.null: return NullFile(node: node, flags: flags)
    case Minor.zero: return ZeroFile(node: node, flags: flags)
    case Minor.full: return FullFile(node: node, flags: flags)
    case Minor.random, Minor.urandom: return RandomFile(node: node, flags: flags)
    case Minor.log: return KernelLogFile(node: node, flags: flags)
    default: throw .noSuchDeviceOrAddress
    }
  }
}

/// /dev/null: nothing comes out, and everything goes in.
class NullFile: OpenFile, @unchecked Sendable {
  override var hasPosition: Bool { true }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int { 0 }

  // What is written is not looked at, be its address as it may.
  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    buffer.remaining
  }

  // As on Linux a seek succeeds and leads nowhere.
  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 { 0 }
}

/// /dev/zero
class ZeroFile: NullFile, @unchecked Sendable {
  /// By which private mappings are called.
  private let name = PageStore(size: 0)

  /// As memory without a file (zero(4)); only that private memory is called by this one.
  override func memory(size: UInt64, isShared: Bool) throws(Errno) -> MappedMemory {
    if !isShared { return .anonymous(MappedSource(store: name, file: self)) }
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    return .source(MappedSource(store: PageStore(size: size)))
  }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    var done = 0
    while buffer.remaining > 0 {
      let count = min(buffer.remaining, 1 << 16)
      do throws(Errno) {
        try buffer.putZeros(count)
      } catch {
        if done > 0 { return done }
        throw error
      }
      done += count
      // A long read can be interrupted, and then has done a part.
      if Scheduler.current.pointee.head.hasSignal != 0 { break }
    }
    return done
  }
}

/// /dev/full: zeros come out, and there is no room for anything.
final class FullFile: ZeroFile, @unchecked Sendable {
  override func memory(size: UInt64, isShared: Bool) throws(Errno) -> MappedMemory { throw .noDevice }

  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    if buffer.remaining == 0 { return 0 }
    throw .noSpace
  }
}

/// /dev/random and /dev/urandom, which are the same since the generator starts with a seed.
final class RandomFile: OpenFile, @unchecked Sendable {
  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    var stream = RandomSource.makeStream()
    var done = 0
    while buffer.remaining > 0 {
      let block = stream.next()
      let count = min(buffer.remaining, 64)
      do throws(Errno) {
        try withUnsafeBytes(of: block) { bytes throws(Errno) in
          try buffer.put(UnsafeRawBufferPointer(rebasing: bytes[0..<count]))
        }
      } catch {
        if done > 0 { return done }
        throw error
      }
      done += count
      if done & 4095 == 0, Scheduler.current.pointee.head.hasSignal != 0 { break }
    }
    return done
  }

  /// What is written is mixed in, and counts for nothing.
  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    var done = 0
    while buffer.remaining > 0 {
      var word: UInt64 = 0
      let count = min(8, buffer.remaining)
      do throws(Errno) {
        try withUnsafeMutableBytes(of: &word) { bytes throws(Errno) in
          try buffer.take(into: UnsafeMutableRawBufferPointer(rebasing: bytes[0..<count]))
        }
      } catch {
        if done > 0 { return done }
        throw error
      }
      RandomSource.mix(word)
      done += count
      if done & 4095 == 0, Scheduler.current.pointee.head.hasSignal != 0 { break }
    }
    return done
  }

  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 { 0 }

  override func control(_ request: UInt32, _ argument: UInt64) throws(Errno) -> Int64 {
    switch request {
    case 0x8004_5200:  // RNDGETENTCNT: the pool is always full, at 256 bits
      guard UserMemory.store(Int32(256), to: argument) else { throw .badAddress }
      return 0
    default: throw .notTerminal
    }
  }
}

/// /dev/kmsg, for writing: a line among the kernel's own.
final class KernelLogFile: OpenFile, @unchecked Sendable {
  // The log is on the console and is not kept.
  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    throw .tryAgain
  }

  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    let total = buffer.remaining
    // As long as a record of Linux's may be.
    guard total <= 976 else { throw .invalid }
    var text = InlineArray<256, UInt8>(repeating: 0)
    let count = min(total, 255)
    try withUnsafeMutableBytes(of: &text) { bytes throws(Errno) in
      try buffer.take(into: UnsafeMutableRawBufferPointer(rebasing: bytes[0..<count]))
    }
    var start = 0
    // A level in angle brackets goes before the text.
    if count > 2, text[0] == UInt8(ascii: "<") {
      var end = 1
      while end < count, text[end] >= UInt8(ascii: "0"), text[end] <= UInt8(ascii: "9") { end += 1 }
      if end > 1, end < count, text[end] == UInt8(ascii: ">") { start = end + 1 }
    }
    var end = count
    while end > start, text[end - 1] == 10 { end -= 1 }
    withUnsafeBytes(of: text) { Console.print("\(UnsafeRawBufferPointer(rebasing: $0[start..<end]))") }
    return total
  }

  override func poll() -> PollEvents { [.output, .outputNormal] }
}
