import Core
import Machine

/// What a futex waiter waits for: a word of an address space.
struct FutexKey: Equatable {
  var root: PhysicalAddress = 0
  var address: UInt64 = 0
  var bits: UInt32 = 0

  func matches(_ other: FutexKey) -> Bool {
    root == other.root && address == other.address && bits & other.bits != 0
  }
}

/// Threads that wait for a word of memory to change.
enum Futexes {
  /// One queue for many words; a word's waiters are all on the same one.
  struct Bucket: ~Copyable {
    var lock = InterruptLock()
    var waiters = WaitList()
  }

  private static var bucketCount: Int { 256 }
  nonisolated(unsafe) private static var buckets: UnsafeMutablePointer<Bucket>?

  static func initialize() {
    guard
      let memory = KernelHeap.allocate(size: bucketCount * MemoryLayout<Bucket>.stride, alignment: 64)
    else { panic("not enough memory for futexes") }
    let buckets = memory.bindMemory(to: Bucket.self, capacity: bucketCount)
    for index in 0..<bucketCount { (buckets + index).initialize(to: Bucket()) }
    self.buckets = buckets
  }

  private static func bucket(for key: FutexKey) -> UnsafeMutablePointer<Bucket> {
    let mixed = (key.address >> 2 &+ key.root >> 12) &* 0x9E37_79B9_7F4A_7C15
    return buckets! + Int(mixed >> 56)
  }

  /// Waits while the word has the expected value. In a program's thread.
  static func wait(
    _ address: UInt64, expected: UInt32, until deadline: UInt64?, bits: UInt32
  ) throws(Errno) {
    let thread = Scheduler.current
    let key = FutexKey(root: thread.pointee.pageTableRoot, address: address, bits: bits)
    let bucket = bucket(for: key)
    while true {
      let wereEnabled = bucket.pointee.lock.acquire()
      // Under the lock the page cannot be made: fault it in without, and come again.
      guard let value = UserMemory.loadWord(address) else {
        bucket.pointee.lock.release(wereEnabled)
        guard UserMemory.loadWord(address) != nil else { throw .badAddress }
        continue
      }
      guard value == expected else {
        bucket.pointee.lock.release(wereEnabled)
        throw .tryAgain
      }
      thread.pointee.futexKey = key
      bucket.pointee.waiters.append(thread)
      Sleep.markBlocked(thread, until: deadline)
      bucket.pointee.lock.release(wereEnabled)
      break
    }
    while true {
      Scheduler.block()
      let wereEnabled = bucket.pointee.lock.acquire()
      let isWoken = !thread.pointee.isOnWaitQueue
      let isTimedOut = deadline.map { readTimeStampCounter() >= $0 } ?? false
      let isInterrupted = thread.pointee.head.hasSignal != 0
      if isWoken || isTimedOut || isInterrupted {
        if !isWoken { bucket.pointee.waiters.remove(thread) }
        bucket.pointee.lock.release(wereEnabled)
        Sleep.cancel(thread)
        if isWoken { return }
        throw isTimedOut ? .timedOut : deadline == nil ? .restart : .interrupted
      }
      Sleep.markBlocked(thread, until: deadline)
      bucket.pointee.lock.release(wereEnabled)
    }
  }

  /// Wakes up to `limit` threads that wait for the word, of the current thread's address space.
  static func wake(_ address: UInt64, limit: Int, bits: UInt32 = .max) -> Int {
    let key = FutexKey(root: Scheduler.current.pointee.pageTableRoot, address: address, bits: bits)
    let bucket = bucket(for: key)
    return bucket.pointee.lock.withLock {
      var woken = 0
      var next = bucket.pointee.waiters.first
      while woken < limit, let thread = next {
        next = thread.pointee.waitNext
        if thread.pointee.futexKey.matches(key) {
          bucket.pointee.waiters.remove(thread)
          Scheduler.wake(thread)
          woken += 1
        }
      }
      return woken
    }
  }
}
