import Core
import Machine

/// Where a call's bytes go to or come from: one or more pieces of user memory (iovec), or kernel memory.
///
/// A file's `read` puts bytes in, its `write` takes bytes out, in whatever portions suit it. Touches user memory:
/// in a thread that holds no spin lock.
struct TransferBuffer {
  /// One piece; its address is the kernel's where `isKernel`.
  struct Piece {
    var address: UInt64
    var count: Int
  }

  /// Up to this many pieces are held; the vector calls give more in several turns, or by `rest`.
  private var first: Piece
  /// The pieces after the first, in kernel memory that the call owns.
  private var rest: UnsafeBufferPointer<Piece>
  private let isKernel: Bool
  /// The bytes that are still to be put in or taken out.
  private(set) var remaining: Int

  /// One piece of user memory. The caller has bounded `count` as Linux does (0x7FFFF000).
  init(user address: UInt64, count: Int) {
    first = Piece(address: address, count: count)
    rest = UnsafeBufferPointer(start: nil, count: 0)
    isKernel = false
    remaining = count
  }

  /// Several pieces of user memory, which stay the caller's until the transfer has ended.
  init(user pieces: UnsafeBufferPointer<Piece>) {
    first = pieces.count > 0 ? pieces[0] : Piece(address: 0, count: 0)
    rest = pieces.count > 1 ? UnsafeBufferPointer(rebasing: pieces[1...]) : UnsafeBufferPointer(start: nil, count: 0)
    isKernel = false
    remaining = 0
    for piece in pieces { remaining += piece.count }
  }

  /// Kernel memory.
  init(kernel bytes: UnsafeMutableRawBufferPointer) {
    first = Piece(address: UInt64(UInt(bitPattern: bytes.baseAddress)), count: bytes.count)
    rest = UnsafeBufferPointer(start: nil, count: 0)
    isKernel = true
    remaining = bytes.count
  }

  /// Puts bytes in: what `read` has got. At most `remaining`.
  ///
  /// - Throws: `badAddress`, where not all could be put in; what was put in before stays.
  mutating func put(_ source: UnsafeRawBufferPointer) throws(Errno) {
    var done = 0
    while done < source.count {
      let (address, count) = nextPortion(atMost: source.count - done)
      guard count > 0 else { throw .invalid }
      guard isKernel else {
        guard UserMemory.copyOut(source.baseAddress! + done, to: address, count: count) else { throw .badAddress }
        advance(count)
        done += count
        continue
      }
      UnsafeMutableRawPointer(bitPattern: UInt(address))!
        .copyMemory(from: source.baseAddress! + done, byteCount: count)
      advance(count)
      done += count
    }
  }

  /// Takes bytes out: what `write` is given. At most `remaining`.
  mutating func take(into target: UnsafeMutableRawBufferPointer) throws(Errno) {
    var done = 0
    while done < target.count {
      let (address, count) = nextPortion(atMost: target.count - done)
      guard count > 0 else { throw .invalid }
      guard isKernel else {
        guard UserMemory.copyIn(target.baseAddress! + done, from: address, count: count) else { throw .badAddress }
        advance(count)
        done += count
        continue
      }
      (target.baseAddress! + done)
        .copyMemory(from: UnsafeRawPointer(bitPattern: UInt(address))!, byteCount: count)
      advance(count)
      done += count
    }
  }

  /// Puts zeros in.
  mutating func putZeros(_ count: Int) throws(Errno) {
    var left = count
    while left > 0 {
      let (address, portion) = nextPortion(atMost: left)
      guard portion > 0 else { throw .invalid }
      if isKernel {
        UnsafeMutableRawPointer(bitPattern: UInt(address))!
          .initializeMemory(as: UInt8.self, repeating: 0, count: portion)
      } else {
        guard UserMemory.clear(address, count: portion) else { throw .badAddress }
      }
      advance(portion)
      left -= portion
    }
  }

  /// The next bytes that lie together.
  private mutating func nextPortion(atMost limit: Int) -> (UInt64, Int) {
    while first.count == 0, rest.count > 0 {
      first = rest[0]
      rest = UnsafeBufferPointer(rebasing: rest[1...])
    }
    return (first.address, min(first.count, limit))
  }

  private mutating func advance(_ count: Int) {
    first.address += UInt64(count)
    first.count -= count
    remaining -= count
  }
}
