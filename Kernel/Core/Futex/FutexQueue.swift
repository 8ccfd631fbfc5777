/// A record that can wait on a futex. Its address must not change while it does.
public protocol FutexQueued {
  var futexLinks: FutexLinks { get set }
}

/// A record's place in a futex queue, under the lock of the queue.
public struct FutexLinks {
  var next: UnsafeMutableRawPointer?
  var previous: UnsafeMutableRawPointer?
  /// What it waits for.
  public internal(set) var key = FutexKey(space: 0, address: 0)
  /// Wakers with a bit in common wake it.
  public internal(set) var bits: UInt32 = 0
  /// The queue that it is on, or was last on: changes with the locks of both queues held.
  public var bucket: Int32 = 0
  /// For a lock with priority inheritance, the thread that holds it; 0 for others. Stays when a waiter gives up, and is
  /// cleared by it (`stopWaiting`); read by others without the queue's lock (`FutexOwnerChain`).
  public internal(set) var owner: UInt32 = 0
  /// The waiter's real-time priority when it began to wait; 0 for none.
  public internal(set) var priority: UInt8 = 0
  /// The lock with priority inheritance that a requeue has to make it wait for; where `awaitsRequeue` is set alone.
  public internal(set) var target = FutexKey(space: 0, address: 0)
  /// Whether it waits to be given a lock, or to be moved to it (FUTEX_WAIT_REQUEUE_PI). A requeue that moves it clears
  /// this.
  public internal(set) var awaitsRequeue = false
  public internal(set) var isQueued = false

  public init() {}

  public var isForPriorityLock: Bool { owner != 0 }
  /// The waiter, which is on no queue any more, waits for no owner.
  public mutating func stopWaiting() { owner = 0 }
  /// Whether anybody may wake it, or move it to any word.
  @inline(__always)
  var isPlain: Bool { owner == 0 && !awaitsRequeue }
}

/// The waiters of some futexes, the highest real-time priority first, else in the order in which they came: an
/// intrusive list. The caller has the lock.
public struct FutexQueue<Element: FutexQueued> {
  private typealias Node = UnsafeMutablePointer<Element>

  private var first: UnsafeMutablePointer<Element>?
  private var last: UnsafeMutablePointer<Element>?

  public init() {
    first = nil
    last = nil
  }

  /// A plain waiter and one for a lock with priority inheritance met on the same word, or a requeue found waiters of
  /// another kind or for another lock (EINVAL).
  public struct Mixture: Error {}

  private static func next(_ element: UnsafeMutablePointer<Element>) -> UnsafeMutablePointer<Element>? {
    element.pointee.futexLinks.next?.assumingMemoryBound(to: Element.self)
  }

  /// Adds a waiter that is on no queue.
  ///
  /// - Parameters:
  ///   - owner: who holds the lock with priority inheritance; 0 for an ordinary futex.
  ///   - priority: the waiter's real-time priority.
  ///   - target: the lock that a requeue has to make it wait for; nil for an ordinary waiter.
  @inline(__always)
  public mutating func append(
    _ element: UnsafeMutablePointer<Element>, key: FutexKey, bits: UInt32 = .max, owner: UInt32 = 0,
    priority: UInt8 = 0, target: FutexKey? = nil
  ) {
    element.pointee.futexLinks.awaitsRequeue = target != nil
    if let target { element.pointee.futexLinks.target = target }
    element.pointee.futexLinks.priority = priority
    element.pointee.futexLinks.key = key
    element.pointee.futexLinks.bits = bits
    element.pointee.futexLinks.owner = owner
    link(element)
  }

  @inline(__always)
  private mutating func link(_ element: UnsafeMutablePointer<Element>) {
    if element.pointee.futexLinks.priority != 0, linkByPriority(element) { return }
    element.pointee.futexLinks.next = nil
    element.pointee.futexLinks.previous = UnsafeMutableRawPointer(last)
    if let last { last.pointee.futexLinks.next = UnsafeMutableRawPointer(element) } else { first = element }
    last = element
    element.pointee.futexLinks.isQueued = true
  }

  /// Puts a waiter before the first with a lower priority.
  ///
  /// - Returns: false where there is none.
  @inline(never)
  private mutating func linkByPriority(_ element: UnsafeMutablePointer<Element>) -> Bool {
    var candidate = first
    while let other = candidate, other.pointee.futexLinks.priority >= element.pointee.futexLinks.priority {
      candidate = Self.next(other)
    }
    guard let follower = candidate else { return false }
    let previous = follower.pointee.futexLinks.previous?.assumingMemoryBound(to: Element.self)
    element.pointee.futexLinks.next = UnsafeMutableRawPointer(follower)
    element.pointee.futexLinks.previous = UnsafeMutableRawPointer(previous)
    if let previous { previous.pointee.futexLinks.next = UnsafeMutableRawPointer(element) } else { first = element }
    follower.pointee.futexLinks.previous = UnsafeMutableRawPointer(element)
    element.pointee.futexLinks.isQueued = true
    return true
  }

  /// Puts a waiter, which is on this queue, where another priority belongs.
  public mutating func reorder(_ element: UnsafeMutablePointer<Element>, priority: UInt8) {
    remove(element)
    element.pointee.futexLinks.priority = priority
    link(element)
  }

  /// The highest priority of those who wait for locks that a thread holds.
  public func highestPriority(forLocksOf owner: UInt32) -> UInt8 {
    // The first one found is the highest.
    firstWaiter(forLockOf: owner)?.pointee.futexLinks.priority ?? 0
  }

  /// Takes a waiter off, which is on this queue.
  @inline(__always)
  public mutating func remove(_ element: UnsafeMutablePointer<Element>) {
    let next = Self.next(element)
    let previous = element.pointee.futexLinks.previous?.assumingMemoryBound(to: Element.self)
    if let previous {
      previous.pointee.futexLinks.next = UnsafeMutableRawPointer(next)
    } else {
      first = next
    }
    if let next {
      next.pointee.futexLinks.previous = UnsafeMutableRawPointer(previous)
    } else {
      last = previous
    }
    element.pointee.futexLinks.isQueued = false
  }

  /// The first waiter for a key; nil where there is none.
  public func firstWaiter(for key: FutexKey) -> UnsafeMutablePointer<Element>? {
    var candidate = first
    while let element = candidate {
      if element.pointee.futexLinks.key == key { return element }
      candidate = Self.next(element)
    }
    return nil
  }

  /// The first waiter for a lock with priority inheritance that a thread holds.
  public func firstWaiter(forLockOf owner: UInt32) -> UnsafeMutablePointer<Element>? {
    var candidate = first
    while let element = candidate {
      if element.pointee.futexLinks.owner == owner { return element }
      candidate = Self.next(element)
    }
    return nil
  }

  /// Notes a new owner with everybody who waits for a lock.
  func setOwner(_ owner: UInt32, for key: FutexKey) {
    var candidate = first
    while let element = candidate {
      if element.pointee.futexLinks.key == key { element.pointee.futexLinks.owner = owner }
      candidate = Self.next(element)
    }
  }

  /// Takes off a waiter that has been given the lock that it waited for: the others wait for it from now on.
  public mutating func handOver(to element: UnsafeMutablePointer<Element>, _ identifier: UInt32) {
    remove(element)
    element.pointee.futexLinks.stopWaiting()
    setOwner(identifier, for: element.pointee.futexLinks.key)
  }

  /// Takes off up to `limit` waiters for a key, one at least, and hands each to `wake`, which may free it.
  ///
  /// - Returns: how many.
  @inline(__always)
  public mutating func wake(
    _ key: FutexKey, bits: UInt32, limit: Int, _ wake: (UnsafeMutablePointer<Element>) -> Void
  ) throws(Mixture) -> Int {
    var count = 0
    var candidate = first
    while let element = candidate {
      candidate = Self.next(element)
      guard element.pointee.futexLinks.key == key else { continue }
      if !element.pointee.futexLinks.isPlain { throw Mixture() }
      guard element.pointee.futexLinks.bits & bits != 0 else { continue }
      remove(element)
      wake(element)
      count += 1
      if count >= limit { break }
    }
    return count
  }

  /// Wakes up to `wakeLimit` waiters for a key, and lets up to `moveLimit` others wait for another one.
  ///
  /// - Parameters:
  ///   - target: the queue of the other key; may be the same one.
  ///   - bucket: that queue's number.
  ///   - moved: told of each that has the other key from now on.
  /// - Returns: how many were woken or moved.
  public static func requeue(
    _ key: FutexKey, on source: UnsafeMutablePointer<FutexQueue>, to newKey: FutexKey,
    on target: UnsafeMutablePointer<FutexQueue>, bucket: Int32, wakeLimit: Int, moveLimit: Int,
    moved: (UnsafeMutablePointer<Element>) -> Void = { _ in }, _ wake: (UnsafeMutablePointer<Element>) -> Void
  ) throws(Mixture) -> Int {
    var count = 0
    var candidate = source.pointee.first
    while let element = candidate, count < wakeLimit + moveLimit {
      candidate = next(element)
      guard element.pointee.futexLinks.key == key else { continue }
      if !element.pointee.futexLinks.isPlain { throw Mixture() }
      count += 1
      if count <= wakeLimit {
        source.pointee.remove(element)
        wake(element)
      } else {
        element.pointee.futexLinks.key = newKey
        if source != target {
          source.pointee.remove(element)
          target.pointee.link(element)
          element.pointee.futexLinks.bucket = bucket
        }
        moved(element)
      }
    }
    return count
  }

  /// What a requeue to a lock has come to.
  public struct LockRequeue: Equatable, Sendable {
    public var moved = 0
    /// Whether any of those moved has a real-time priority, which is lent to the owner.
    public var hasPriority = false
    /// Whether it ended before its time: by a waiter of another kind, or by one that would wait for itself (EDEADLK).
    public var isMixture = false
    public var isDeadlock = false

    public init(moved: Int = 0) { self.moved = moved }
  }

  /// Lets up to `limit` waiters for a key that await it wait for a lock with priority inheritance.
  ///
  /// - Parameters:
  ///   - owner: who holds the lock.
  ///   - target: the queue of the lock's key; may be the same one.
  ///   - bucket: that queue's number.
  ///   - moved: told of each that waits for the lock from now on.
  ///   - isDeadlock: whether a waiter would wait for itself.
  public static func requeue(
    _ key: FutexKey, on source: UnsafeMutablePointer<FutexQueue>, toLock lock: FutexKey, of owner: UInt32,
    on target: UnsafeMutablePointer<FutexQueue>, bucket: Int32, limit: Int,
    moved: (UnsafeMutablePointer<Element>) -> Void = { _ in },
    isDeadlock: (UnsafeMutablePointer<Element>) -> Bool
  ) -> LockRequeue {
    var result = LockRequeue()
    while result.moved < limit, let element = source.pointee.firstWaiter(for: key) {
      guard element.pointee.futexLinks.awaits(lock) else {
        result.isMixture = true
        break
      }
      guard !isDeadlock(element) else {
        result.isDeadlock = true
        break
      }
      source.pointee.remove(element)
      element.pointee.futexLinks.awaitsRequeue = false
      element.pointee.futexLinks.key = lock
      element.pointee.futexLinks.owner = owner
      element.pointee.futexLinks.bucket = bucket
      target.pointee.link(element)
      moved(element)
      if element.pointee.futexLinks.priority != 0 { result.hasPriority = true }
      result.moved += 1
    }
    return result
  }
}

extension FutexLinks {
  /// Whether a requeue to that lock is what it waits for.
  public func awaits(_ lock: FutexKey) -> Bool { awaitsRequeue && target == lock }
}
