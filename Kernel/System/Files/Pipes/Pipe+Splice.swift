import Core
import Machine

/// What splice(2) and tee(2) need of a pipe.
extension Pipe {
  /// Hands the bytes that are there to `body`, which tells how many it took; waits for the first.
  ///
  /// `body` may sleep: other readers wait meanwhile, writers do not.
  ///
  /// - Returns: how many bytes were taken; 0 at the end of the file.
  func take(
    _ limit: Int, isNonBlocking: Bool, _ body: (UnsafeRawBufferPointer) throws(Errno) -> Int
  ) throws(Errno) -> Int {
    guard try beginReading(isNonBlocking: isNonBlocking) else { return 0 }
    var total = 0
    var failure: Errno?
    while total < limit, failure == nil {
      let reservation = lock.withLock { ring.readable(limit - total) }
      if reservation.count == 0 { break }
      let place = ring.place(of: ring.head)
      let portion = min(place.count, reservation.count)
      var taken = 0
      do throws(Errno) {
        taken = try body(UnsafeRawBufferPointer(start: bytes(at: place.page, place.offset), count: portion))
      } catch {
        failure = error
      }
      // Unlike a read, this leaves the rest of a packet: it may only lie in the next page.
      if reservation.isPacket, taken < reservation.consumed {
        lock.withLock { ring.commitPacketPart(taken) }
      } else {
        commitReading(taken, isPacket: reservation.isPacket)
      }
      total += taken
      if taken < portion { break }
    }
    endReading()
    if total == 0, let failure { throw failure }
    return total
  }

  /// Copies bytes that are there, and leaves them; waits for the first.
  func peek(_ buffer: UnsafeMutableRawBufferPointer, isNonBlocking: Bool) throws(Errno) -> Int {
    guard try beginReading(isNonBlocking: isNonBlocking) else { return 0 }
    let reservation = lock.withLock { ring.readable(buffer.count) }
    var copied = 0
    while copied < reservation.count {
      let place = ring.place(of: ring.head &+ UInt64(copied))
      let portion = min(place.count, reservation.count - copied)
      (buffer.baseAddress! + copied).copyMemory(from: bytes(at: place.page, place.offset), byteCount: portion)
      copied += portion
    }
    endReading()
    return copied
  }
}
