import Machine

/// A thread that waits for an object to change, with what it waits for or with: on its own kernel stack. Under the
/// object's lock.
struct WaitingThread<Details> {
  let thread = Scheduler.current
  /// Whether it is on a list; who takes it off has seen to it, and wakes the thread.
  fileprivate(set) var isListed = false
  fileprivate var next: UnsafeMutablePointer<WaitingThread<Details>>?
  fileprivate var previous: UnsafeMutablePointer<WaitingThread<Details>>?
  var details: Details

  init(_ details: Details) { self.details = details }
}

/// The threads that wait for one thing, in the order in which they came. Under the object's lock.
struct WaitingList<Details> {
  typealias Waiter = UnsafeMutablePointer<WaitingThread<Details>>

  private(set) var first: Waiter?
  private var last: Waiter?

  func next(after waiter: Waiter) -> Waiter? { waiter.pointee.next }

  mutating func append(_ waiter: Waiter) {
    waiter.pointee.previous = last
    waiter.pointee.next = nil
    if let last { last.pointee.next = waiter } else { first = waiter }
    last = waiter
    waiter.pointee.isListed = true
  }

  mutating func remove(_ waiter: Waiter) {
    let next = waiter.pointee.next
    let previous = waiter.pointee.previous
    if let previous { previous.pointee.next = next } else { first = next }
    if let next { next.pointee.previous = previous } else { last = previous }
    waiter.pointee.isListed = false
  }

  /// Takes a waiter off and wakes its thread. The thread cannot go on, and its record end, before the lock is free.
  mutating func wake(_ waiter: Waiter) {
    let thread = waiter.pointee.thread
    remove(waiter)
    Scheduler.wake(thread)
  }
}
