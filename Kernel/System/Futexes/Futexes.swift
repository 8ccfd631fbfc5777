import Core
import Machine

/// Threads that wait for a word of memory to change (futex(7)).
enum Futexes {
  /// The waiters of many words; a word's are all in the same bucket.
  struct Bucket {
    var lock = InterruptLock()
    var queue = FutexQueue<FutexWaiter>()
  }

  typealias BucketPointer = UnsafeMutablePointer<Bucket>

  static var bucketBits: UInt64 { 8 }
  static var bucketCount: Int { 1 << bucketBits }
  nonisolated(unsafe) private static var storedBuckets: BucketPointer?

  static func initialize() {
    storedBuckets = KernelHeap.allocateArray(of: Bucket.self, count: bucketCount, repeating: Bucket())
  }

  @inline(__always)
  static func bucket(_ number: Int) -> BucketPointer { storedBuckets.unsafelyUnwrapped + number }

  // MARK: Keys

  /// The key of a word in the current thread's memory.
  ///
  /// - Parameter isPrivate: whether the program says that no other process uses it.
  static func key(_ address: UInt64, isPrivate: Bool) throws(Errno) -> FutexKey {
    guard address & 3 == 0 else { throw .invalid }
    guard UserMemory.contains(address, count: 4) else { throw .badAddress }
    let thread = Scheduler.current
    if !isPrivate, let space = thread.pointee.process?.addressSpace {
      var backing = space.backing(at: address)
      // It may be unmapped, or taken away, as soon as it is there.
      while backing == .absent {
        guard UserMemory.loadWord(address) != nil else { throw .badAddress }
        backing = space.backing(at: address)
      }
      if case .shared(let frame) = backing { return FutexKey(physicalAddress: frame | address & 4095) }
    }
    return FutexKey(space: thread.pointee.pageTableRoot, address: address)
  }

  // MARK: Waiting

  /// Waits while the word has the expected value. In a program's thread.
  ///
  /// - Parameters:
  ///   - key: which the caller holds (`HeldFutexKey`).
  ///   - target: the lock that a requeue has to make it wait for (`PriorityFutexes.waitForRequeue`).
  /// - Throws: `tryAgain` where it has not, `timedOut`, `badAddress`, or `interrupted` by a signal.
  static func wait(
    _ address: UInt64, key: FutexKey, expected: UInt32, until deadline: UInt64?, bits: UInt32,
    target: FutexKey? = nil
  ) throws(Errno) {
    let thread = Scheduler.current
    let number = key.bucket(bits: bucketBits)
    let bucket = bucket(number)
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
      thread.pointee.futexWaiter.futexLinks.bucket = Int32(number)
      bucket.pointee.queue.append(
        thread.futexWaiter, key: key, bits: bits, priority: thread.pointee.scheduling.priority, target: target)
      Sleep.markBlocked(thread, until: deadline)
      bucket.pointee.lock.release(wereEnabled)
      break
    }
    try sleep(thread, until: deadline)
  }

  /// Sleeps until the current thread, which is on a queue and marked as blocked, has been taken off.
  static func sleep(_ thread: ThreadPointer, until deadline: UInt64?) throws(Errno) {
    while true {
      Scheduler.block()
      let isInterrupted = thread.pointee.head.hasSignal != 0
      let isTimedOut = deadline.map { readTimeStampCounter() >= $0 } ?? false
      let wereEnabled = Interrupts.disable()
      let bucket = lockBucket(of: thread.futexWaiter)
      let isWoken = !thread.pointee.futexWaiter.futexLinks.isQueued
      if isWoken || isTimedOut || isInterrupted {
        if !isWoken { bucket.pointee.queue.remove(thread.futexWaiter) }
        bucket.pointee.lock.releaseWithInterruptsDisabled()
        Interrupts.restore(wereEnabled)
        thread.futexWaiter.letGoOfFrame()
        Sleep.cancel(thread)
        if isWoken { return }
        throw isTimedOut ? .timedOut : .interrupted
      }
      Sleep.markBlocked(thread, until: deadline)
      bucket.pointee.lock.releaseWithInterruptsDisabled()
      Interrupts.restore(wereEnabled)
    }
  }

  /// Locks the bucket that a waiter is in or was last in: a requeue may move it. Interrupts are disabled.
  @inline(__always)
  static func lockBucket(of waiter: FutexWaiterPointer) -> BucketPointer {
    while true {
      let number = waiter.pointee.futexLinks.bucket
      let bucket = bucket(Int(number))
      bucket.pointee.lock.acquireWithInterruptsDisabled()
      if waiter.pointee.futexLinks.bucket == number { return bucket }
      bucket.pointee.lock.releaseWithInterruptsDisabled()
    }
  }

  /// A thread has another priority: where it waits, it takes its place anew.
  ///
  /// - Returns: the owner of the lock that it waits for; 0 for none.
  static func reorder(_ thread: ThreadPointer) -> UInt32 {
    Interrupts.withDisabled {
      let waiter = thread.futexWaiter
      let bucket = lockBucket(of: waiter)
      defer { bucket.pointee.lock.releaseWithInterruptsDisabled() }
      guard waiter.pointee.futexLinks.isQueued else { return 0 }
      bucket.pointee.queue.reorder(waiter, priority: thread.pointee.scheduling.priority)
      return waiter.pointee.futexLinks.owner
    }
  }

  // MARK: Waking

  /// Wakes up to `limit` threads that wait for the word, one at least.
  static func wake(_ key: FutexKey, limit: Int, bits: UInt32 = .max) throws(Errno) -> Int {
    let bucket = bucket(key.bucket(bits: bucketBits))
    do throws(FutexQueue<FutexWaiter>.Mixture) {
      return try bucket.pointee.lock.withLock { () throws(FutexQueue<FutexWaiter>.Mixture) in
        try bucket.pointee.queue.wake(key, bits: bits, limit: limit) { Scheduler.wake($0.thread) }
      }
    } catch {
      throw .invalid
    }
  }

  /// As above for a word of the current thread's memory on the kernel's own account; errors change nothing.
  static func wakeShared(_ address: UInt64) {
    do throws(Errno) { _ = try wake(key(address, isPrivate: false), limit: 1) } catch {}
  }

  // MARK: Two words

  /// Locks the buckets of two keys, always in the same order. Interrupts are disabled.
  static func lock(_ first: BucketPointer, _ second: BucketPointer) {
    min(first, second).pointee.lock.acquireWithInterruptsDisabled()
    if first != second { max(first, second).pointee.lock.acquireWithInterruptsDisabled() }
  }

  static func unlock(_ first: BucketPointer, _ second: BucketPointer) {
    first.pointee.lock.releaseWithInterruptsDisabled()
    if first != second { second.pointee.lock.releaseWithInterruptsDisabled() }
  }

  /// Wakes some waiters of a word, and lets others wait for a second word.
  ///
  /// - Parameters:
  ///   - target: which the caller holds.
  ///   - expected: what the word at `address` has to be; nil for anything.
  /// - Returns: how many were woken or moved.
  static func requeue(
    _ address: UInt64, _ source: FutexKey, to target: FutexKey, wakeLimit: Int, moveLimit: Int,
    expected: UInt32?
  ) throws(Errno) -> Int {
    let sourceBucket = bucket(source.bucket(bits: bucketBits))
    let targetNumber = target.bucket(bits: bucketBits)
    let targetBucket = bucket(targetNumber)
    while true {
      let wereEnabled = Interrupts.disable()
      lock(sourceBucket, targetBucket)
      let value = expected == nil ? nil : UserMemory.loadWord(address)
      if expected != nil, value == nil {
        unlock(sourceBucket, targetBucket)
        Interrupts.restore(wereEnabled)
        guard UserMemory.loadWord(address) != nil else { throw .badAddress }
        continue
      }
      defer {
        unlock(sourceBucket, targetBucket)
        Interrupts.restore(wereEnabled)
      }
      if let expected, value != expected { throw .tryAgain }
      do throws(FutexQueue<FutexWaiter>.Mixture) {
        return try withUnsafeMutablePointer(to: &sourceBucket.pointee.queue) { sourceQueue in
          withUnsafeMutablePointer(to: &targetBucket.pointee.queue) { targetQueue in
            Result { () throws(FutexQueue<FutexWaiter>.Mixture) in
              try FutexQueue.requeue(
                source, on: sourceQueue, to: target, on: targetQueue, bucket: Int32(targetNumber),
                wakeLimit: wakeLimit, moveLimit: moveLimit, moved: noteMove
              ) { Scheduler.wake($0.thread) }
            }
          }
        }.get()
      } catch {
        throw .invalid
      }
    }
  }

  /// Changes the second word, wakes waiters of the first, and by the second's old value of the second too.
  ///
  /// - Throws: `notImplemented` for an operation that there is not, and, with the word changed, for such a comparison.
  static func wakeOperation(
    _ first: FutexKey, _ secondAddress: UInt64, _ second: FutexKey, firstLimit: Int, secondLimit: Int,
    _ operation: FutexWakeOperation
  ) throws(Errno) -> Int {
    guard operation.hasOperation else { throw .notImplemented }
    let firstBucket = bucket(first.bucket(bits: bucketBits))
    let secondBucket = bucket(second.bucket(bits: bucketBits))
    while true {
      let wereEnabled = Interrupts.disable()
      lock(firstBucket, secondBucket)
      guard let old = change(secondAddress, operation) else {
        unlock(firstBucket, secondBucket)
        Interrupts.restore(wereEnabled)
        guard UserMemory.prepareToWrite(secondAddress) else { throw .badAddress }
        continue
      }
      defer {
        unlock(firstBucket, secondBucket)
        Interrupts.restore(wereEnabled)
      }
      guard operation.hasComparison else { throw .notImplemented }
      do throws(FutexQueue<FutexWaiter>.Mixture) {
        var count = try firstBucket.pointee.queue.wake(first, bits: .max, limit: firstLimit) {
          Scheduler.wake($0.thread)
        }
        if operation.isFulfilled(by: old) {
          count += try secondBucket.pointee.queue.wake(second, bits: .max, limit: secondLimit) {
            Scheduler.wake($0.thread)
          }
        }
        return count
      } catch {
        throw .invalid
      }
    }
  }

  /// Changes a word in one access, and returns what it was; nil after a fault.
  private static func change(_ address: UInt64, _ operation: FutexWakeOperation) -> UInt32? {
    guard var old = UserMemory.loadWord(address) else { return nil }
    while true {
      switch UserMemory.compareExchange(address, expected: old, with: operation.apply(to: old)) {
      case .exchanged: return old
      case .different(let value): old = value
      case .faulted: return nil
      }
    }
  }
}
