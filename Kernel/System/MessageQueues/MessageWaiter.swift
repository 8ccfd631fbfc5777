import Core
import Machine

/// A thread that waits for a message, or with one for room. On the thread's own stack, and under the queue's lock.
struct MessageWaiter {
  typealias Pointer = UnsafeMutablePointer<MessageWaiter>

  let thread: ThreadPointer
  /// What it waits with, or has been given.
  var message: QueuedMessage?
  var priority: UInt32 = 0
  /// Whether its message has been taken over, or it has been given one.
  var isServed = false
  fileprivate var next: Pointer?
  fileprivate var previous: Pointer?

  init(_ thread: ThreadPointer, message: QueuedMessage? = nil, priority: UInt32 = 0) {
    self.thread = thread
    self.message = message
    self.priority = priority
  }
}

/// Those who wait for the same, in the order in which they came.
struct MessageWaiters {
  private(set) var first: MessageWaiter.Pointer?
  private var last: MessageWaiter.Pointer?

  mutating func append(_ waiter: MessageWaiter.Pointer) {
    waiter.pointee.next = nil
    waiter.pointee.previous = last
    if let last { last.pointee.next = waiter } else { first = waiter }
    last = waiter
  }

  /// Takes out one that is on the list.
  mutating func remove(_ waiter: MessageWaiter.Pointer) {
    let next = waiter.pointee.next
    let previous = waiter.pointee.previous
    if let previous { previous.pointee.next = next } else { first = next }
    if let next { next.pointee.previous = previous } else { last = previous }
  }

  /// Lets the first one go on, and takes it out.
  mutating func serveFirst(_ body: (MessageWaiter.Pointer) -> Void) {
    guard let waiter = first else { return }
    remove(waiter)
    body(waiter)
    waiter.pointee.isServed = true
    Scheduler.wake(waiter.pointee.thread)
  }
}
