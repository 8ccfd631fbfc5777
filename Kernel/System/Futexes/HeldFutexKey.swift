import Core
import Machine

/// A word's key for the length of a call that waits for the word, or lets others wait for it.
///
/// Of a word in shared memory it keeps the frame by which processes know the word: used for something else meanwhile,
/// the frame would make waiters of words that have nothing to do with each other one, and an owner that ends would
/// write to it (`PriorityFutexes.ownerEnds`).
struct HeldFutexKey: ~Copyable {
  let key: FutexKey

  /// - Throws: as `Futexes.key`.
  init(_ address: UInt64, isPrivate: Bool) throws(Errno) {
    key = try Futexes.holdKey(address, isPrivate: isPrivate)
  }

  deinit { Futexes.letGo(key) }
}

extension Futexes {
  /// As `key`, with a reference to the frame of shared memory, which `letGo` gives back.
  static func holdKey(_ address: UInt64, isPrivate: Bool) throws(Errno) -> FutexKey {
    while true {
      let key = try key(address, isPrivate: isPrivate)
      // Another frame may lie there by now.
      if !key.isShared || SystemCalls.space.retainShared(key.frame, at: address) { return key }
    }
  }

  static func letGo(_ key: FutexKey) {
    if key.isShared { Frames.release(key.frame) }
  }

  /// A requeue has given a waiter another key, of which its caller holds the frame. The locks of both buckets are held.
  static func noteMove(_ waiter: FutexWaiterPointer) {
    let key = waiter.pointee.futexLinks.key
    let old = waiter.pointee.frame
    if key.isShared { Frames.retain(key.frame) }
    waiter.pointee.frame = key.isShared ? key.frame : 0
    if old != 0 { Frames.release(old) }
  }
}

extension UnsafeMutablePointer where Pointee == FutexWaiter {
  /// The waiter is on no queue any more, and nobody else refers to it.
  func letGoOfFrame() {
    if pointee.frame == 0 { return }
    Frames.release(pointee.frame)
    pointee.frame = 0
  }
}
