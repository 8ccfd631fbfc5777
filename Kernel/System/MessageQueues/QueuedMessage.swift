import Core
import Machine

/// A message in kernel memory: a list of pieces of up to a page, so that a long one needs no memory that lies together.
///
/// Whoever has it last frees it.
struct QueuedMessage: BitwiseCopyable {
  /// What a piece begins with; its bytes follow.
  private struct Header {
    var next: UnsafeMutableRawPointer?
    /// Of the whole message, in its first piece.
    var count: Int
  }

  private static var room: Int { 4096 - MemoryLayout<Header>.size }

  private let first: UnsafeMutableRawPointer

  /// How many bytes it has.
  var count: Int { first.assumingMemoryBound(to: Header.self).pointee.count }

  /// Copies a message out of user memory.
  ///
  /// - Parameter count: bounded by the queue.
  /// - Throws: EFAULT, ENOMEM.
  init(copying address: UInt64, count: Int) throws(Errno) {
    first = try Self.makePiece(min(count, Self.room))
    first.assumingMemoryBound(to: Header.self).pointee.count = count
    var last = first
    var done = 0
    while true {
      let portion = min(count - done, Self.room)
      guard UserMemory.copyIn(last + MemoryLayout<Header>.size, from: address &+ UInt64(done), count: portion) else {
        free()
        throw .badAddress
      }
      done += portion
      if done == count { return }
      let piece: UnsafeMutableRawPointer
      do throws(Errno) {
        piece = try Self.makePiece(min(count - done, Self.room))
      } catch {
        free()
        throw error
      }
      last.assumingMemoryBound(to: Header.self).pointee.next = piece
      last = piece
    }
  }

  private static func makePiece(_ count: Int) throws(Errno) -> UnsafeMutableRawPointer {
    guard Frames.freeCount > Frames.reserve * 2,
      let memory = KernelHeap.allocate(size: MemoryLayout<Header>.size + count, alignment: 16)
    else { throw .outOfMemory }
    memory.bindMemory(to: Header.self, capacity: 1).initialize(to: Header(next: nil, count: 0))
    return memory
  }

  /// Copies the message to user memory.
  ///
  /// - Returns: false where that cannot be written.
  func copyOut(to address: UInt64) -> Bool {
    var done = 0
    var next: UnsafeMutableRawPointer? = first
    while let piece = next {
      let portion = min(count - done, Self.room)
      guard UserMemory.copyOut(piece + MemoryLayout<Header>.size, to: address &+ UInt64(done), count: portion) else {
        return false
      }
      done += portion
      next = piece.assumingMemoryBound(to: Header.self).pointee.next
    }
    return true
  }

  func free() {
    var next: UnsafeMutableRawPointer? = first
    while let piece = next {
      next = piece.assumingMemoryBound(to: Header.self).pointee.next
      KernelHeap.deallocate(piece)
    }
  }
}
