import Machine

/// The threads that wait on one queue, in the order in which they came: linked through their records.
///
/// The queue that owns the list has a lock for it. A thread is on one list at most.
struct WaitList {
  private(set) var first: ThreadPointer?
  private var last: ThreadPointer?

  mutating func append(_ thread: ThreadPointer) {
    thread.pointee.waitNext = nil
    thread.pointee.waitPrevious = last
    if let last { last.pointee.waitNext = thread } else { first = thread }
    last = thread
    thread.pointee.isOnWaitQueue = true
  }

  /// Takes a thread out that is on this list.
  mutating func remove(_ thread: ThreadPointer) {
    let next = thread.pointee.waitNext
    let previous = thread.pointee.waitPrevious
    if let previous { previous.pointee.waitNext = next } else { first = next }
    if let next { next.pointee.waitPrevious = previous } else { last = previous }
    thread.pointee.waitNext = nil
    thread.pointee.waitPrevious = nil
    thread.pointee.isOnWaitQueue = false
  }
}
