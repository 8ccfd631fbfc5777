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
      if isKernel {
        UnsafeMutableRawPointer(bitPattern: UInt(address))!
          .copyMemory(from: source.baseAddress! + done, byteCount: count)
      } else {
        guard UserMemory.copyOut(source.baseAddress! + done, to: address, count: count) else { throw .badAddress }
      }
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
      if isKernel {
        (target.baseAddress! + done)
          .copyMemory(from: UnsafeRawPointer(bitPattern: UInt(address))!, byteCount: count)
      } else {
        guard UserMemory.copyIn(target.baseAddress! + done, from: address, count: count) else { throw .badAddress }
      }
      advance(count)
      done += count
    }
  }

  /// Takes all bytes out, in pieces that a kernel stack has room for.
  ///
  /// - Parameter consume: gets each piece, and advances its second argument by what has been done with it.
  /// - Returns: how many bytes were consumed; an error after the first of them ends the transfer.
  mutating func takePieces(
    _ consume: (UnsafeRawBufferPointer, inout Int) throws(Errno) -> Void
  ) throws(Errno) -> Int {
    var piece = InlineArray<256, UInt8>(repeating: 0)
    var done = 0
    while remaining > 0 {
      let length = min(256, remaining)
      do throws(Errno) {
        try withUnsafeMutableBytes(of: &piece) { bytes throws(Errno) in
          try take(into: UnsafeMutableRawBufferPointer(rebasing: bytes[0..<length]))
        }
        try withUnsafeBytes(of: piece) { bytes throws(Errno) in
          try consume(UnsafeRawBufferPointer(rebasing: bytes[0..<length]), &done)
        }
      } catch {
        if done > 0 { return done }
        throw error
      }
    }
    return done
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

  /// How many bytes the next piece has.
  mutating func nextPieceCount() -> Int { nextPortion(atMost: .max).1 }

  private mutating func advance(_ count: Int) {
    first.address += UInt64(count)
    first.count -= count
    remaining -= count
  }
}

extension TransferBuffer {
  /// Puts the bytes of a store in, from an offset on: as many as there are and have room.
  ///
  /// - Throws: EFAULT where not one could be put in.
  mutating func put(from store: PageStore, at offset: UInt64) throws(Errno) -> Int {
    let isKernel = isKernel
    return try transfer(atMost: .max) { address, count, done throws(Errno) in
      if isKernel {
        store.read(
          at: offset &+ UInt64(done),
          into: UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(bitPattern: UInt(address)), count: count))
      } else {
        try store.copyOut(at: offset &+ UInt64(done), to: address, count: count)
      }
    }
  }

  /// Takes up to `limit` bytes out and writes them to a store, from an offset on.
  ///
  /// - Throws: EFAULT, ENOSPC, EFBIG where not one could be written.
  mutating func take(into store: PageStore, at offset: UInt64, count limit: Int) throws(Errno) -> Int {
    let isKernel = isKernel
    return try transfer(atMost: limit) { address, count, done throws(Errno) in
      if isKernel {
        try store.write(
          at: offset &+ UInt64(done),
          from: UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: UInt(address)), count: count))
      } else {
        try store.copyIn(at: offset &+ UInt64(done), from: address, count: count)
      }
    }
  }

  /// Goes through the pieces.
  ///
  /// - Parameter move: gets the address of a piece, its length and what has been moved before; returns how many
  ///   bytes it has moved, fewer than the length where no more can be.
  @inline(__always)
  private mutating func transfer(
    atMost limit: Int, _ move: (UInt64, Int, Int) throws(Errno) -> Int
  ) throws(Errno) -> Int {
    var done = 0
    while remaining > 0, done < limit {
      let (address, count) = nextPortion(atMost: limit - done)
      let moved: Int
      do throws(Errno) {
        moved = try move(address, count, done)
      } catch {
        if done > 0 { return done }
        throw error
      }
      advance(moved)
      done += moved
      if moved < count { break }
    }
    return done
  }
}
