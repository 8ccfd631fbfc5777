import Core
import Machine

/// Locks whose owner stands in the word and who are handed over by the kernel (FUTEX_LOCK_PI). A waiter does
/// not lend its owner its priority: the scheduler's shares keep an owner from starving.
enum PriorityFutexes {
  /// Threads that wait for such a lock: a thread that ends looks for them only where there are any.
  nonisolated(unsafe) private static var waiterCount = AtomicWord()

  /// Takes the lock, or waits until it is handed over.
  static func lock(
    _ address: UInt64, _ key: FutexKey, until deadline: UInt64?, mayWait: Bool
  ) throws(Errno) {
    let thread = Scheduler.current
    let own = UInt32(bitPattern: thread.pointee.identifier)
    let number = key.bucket(bits: 8)
    let bucket = Futexes.bucket(number)
    while true {
      guard let value = UserMemory.loadWord(address) else { throw .badAddress }
      let word = FutexLockWord(value)
      // A word that names nobody: its owner has ended, and was not robust.
      if word.owner != 0, word.owner != own, Threads.process(ofThread: Int32(bitPattern: word.owner)) == nil {
        guard UserMemory.loadWord(address) == value else { continue }
        throw .noProcess
      }
      let wereEnabled = bucket.pointee.lock.acquire()
      let othersWait = bucket.pointee.queue.firstWaiter(for: key) != nil
      var outcome = UserMemory.ExchangeOutcome.exchanged
      let decision = word.lock(by: own, othersWait: othersWait)
      switch decision {
      case .deadlock:
        bucket.pointee.lock.release(wereEnabled)
        throw .deadlock
      case .take(let new):
        outcome = UserMemory.compareExchange(address, expected: value, with: new)
      case .wait(let new):
        if !mayWait {
          bucket.pointee.lock.release(wereEnabled)
          throw .tryAgain
        }
        outcome = UserMemory.compareExchange(address, expected: value, with: new)
        if outcome == .exchanged {
          waiterCount.add(1)
          thread.pointee.futexLinks.bucket = Int32(number)
          bucket.pointee.queue.append(thread, key: key, owner: word.owner)
          Sleep.markBlocked(thread, until: deadline)
        }
      }
      bucket.pointee.lock.release(wereEnabled)
      switch outcome {
      case .exchanged:
        if case .take = decision { return }
        defer { waiterCount.subtract(1) }
        return try Futexes.sleep(thread, until: deadline)
      case .different: continue
      case .faulted: guard UserMemory.prepareToWrite(address) else { throw .badAddress }
      }
    }
  }

  /// Gives the lock up, to the thread that has waited longest where there is one.
  static func unlock(_ address: UInt64, _ key: FutexKey) throws(Errno) {
    let own = UInt32(bitPattern: Scheduler.current.pointee.identifier)
    let bucket = Futexes.bucket(key.bucket(bits: 8))
    while true {
      guard let value = UserMemory.loadWord(address) else { throw .badAddress }
      let word = FutexLockWord(value)
      guard word.owner == own else { throw .notPermitted }
      let wereEnabled = bucket.pointee.lock.acquire()
      let next = bucket.pointee.queue.firstWaiter(for: key)
      let successor = next.map { UInt32(bitPattern: $0.pointee.identifier) }
      let new = successor.map { word.handedOver(to: $0) & ~FutexLockWord.ownerDied } ?? 0
      let outcome = UserMemory.compareExchange(address, expected: value, with: new)
      if outcome == .exchanged, let next { handOver(to: next, in: bucket, key) }
      bucket.pointee.lock.release(wereEnabled)
      switch outcome {
      case .exchanged: return
      case .different: continue
      case .faulted: guard UserMemory.prepareToWrite(address) else { throw .badAddress }
      }
    }
  }

  /// The word names its new owner: wakes it. The bucket's lock is held.
  private static func handOver(to next: ThreadPointer, in bucket: Futexes.BucketPointer, _ key: FutexKey) {
    bucket.pointee.queue.remove(next)
    bucket.pointee.queue.setOwner(UInt32(bitPattern: next.pointee.identifier), for: key)
    Scheduler.wake(next)
  }

  /// The current thread ends: the locks that it holds, and that others wait for, go to those.
  static func ownerEnds() {
    if waiterCount.load() == 0 { return }
    let own = UInt32(bitPattern: Scheduler.current.pointee.identifier)
    for number in 0..<Futexes.bucketCount {
      let bucket = Futexes.bucket(number)
      while true {
        let wereEnabled = bucket.pointee.lock.acquire()
        guard let next = bucket.pointee.queue.firstWaiter(forLockOf: own) else {
          bucket.pointee.lock.release(wereEnabled)
          break
        }
        let key = next.pointee.futexLinks.key
        let value = FutexLockWord(FutexLockWord.ownerDied)
          .handedOver(to: UInt32(bitPattern: next.pointee.identifier))
        replace(key, with: value)
        handOver(to: next, in: bucket, key)
        bucket.pointee.lock.release(wereEnabled)
      }
    }
  }

  /// Writes a lock's word without faulting: where its page has gone, nobody can read it either.
  private static func replace(_ key: FutexKey, with value: UInt32) {
    if key.isShared {
      // SAFETY: a frame of shared memory, which the waiter maps; the lock of its bucket is held.
      let word = PhysicalMemory.pointer(to: key.address).assumingMemoryBound(to: UInt32.self)
      _ = atomicExchange(word, value)
    } else if let old = UserMemory.loadWord(key.address) {
      _ = UserMemory.compareExchange(key.address, expected: old, with: value)
    }
  }
}
