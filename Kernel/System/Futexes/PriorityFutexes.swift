import Core
import Machine

/// Locks whose owner stands in the word and who are handed over by the kernel (FUTEX_LOCK_PI). A waiter with a
/// real-time priority lends it to the owner, and to whom that one waits for.
enum PriorityFutexes {
  /// How far priorities are passed on, from owner to owner.
  private static var chainLimit: Int { 64 }
  /// Held while lent priorities are computed and set.
  nonisolated(unsafe) private static var storedLending: Mutex?

  static func initialize() { storedLending = Mutex() }

  /// Threads that wait for such a lock: a thread that ends looks for them only where there are any.
  nonisolated(unsafe) static var waiterCount = AtomicWord()

  /// Takes the lock, or waits until it is handed over.
  static func lock(
    _ address: UInt64, _ key: FutexKey, until deadline: UInt64?, mayWait: Bool
  ) throws(Errno) {
    let thread = Scheduler.current
    let own = UInt32(bitPattern: thread.pointee.identifier)
    let number = key.bucket(bits: 8)
    let bucket = Futexes.bucket(number)
    // An owner that ends writes to shared memory by its frame, which must be the word's as long as this one waits.
    let frame: PhysicalAddress = key.isShared ? key.address & ~4095 : 0
    if frame != 0, !SystemCalls.space.retainShared(frame, at: address) { throw .badAddress }
    defer { if frame != 0 { Frames.release(frame) } }
    while true {
      guard let value = UserMemory.loadWord(address) else { throw .badAddress }
      let word = FutexLockWord(value)
      // A word that names nobody: its owner has ended, and was not robust.
      if word.owner != 0, word.owner != own, Threads.process(ofThread: Int32(bitPattern: word.owner)) == nil {
        guard UserMemory.loadWord(address) == value else { continue }
        throw .noProcess
      }
      let wereEnabled = bucket.pointee.lock.acquire()
      let other = bucket.pointee.queue.firstWaiter(for: key)
      var outcome = UserMemory.ExchangeOutcome.exchanged
      let decision = word.lock(by: own, othersWait: other != nil)
      if decision != .deadlock, let other, !other.pointee.futexLinks.isForPriorityLock {
        bucket.pointee.lock.release(wereEnabled)
        throw .invalid
      }
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
          thread.pointee.futexWaiter.futexLinks.bucket = Int32(number)
          bucket.pointee.queue.append(
            thread.futexWaiter, key: key, owner: word.owner, priority: thread.pointee.scheduling.priority)
          // One that lends its priority has to do so first.
          if thread.pointee.futexWaiter.futexLinks.priority == 0 { Sleep.markBlocked(thread, until: deadline) }
        }
      }
      bucket.pointee.lock.release(wereEnabled)
      switch outcome {
      case .exchanged:
        if case .take = decision { return }
        defer { waiterCount.subtract(1) }
        if thread.pointee.futexWaiter.futexLinks.priority == 0 {
          return try Futexes.sleep(thread, until: deadline)
        }
        return try sleepLending(thread, to: word.owner, until: deadline)
      case .different: continue
      case .faulted: guard UserMemory.prepareToWrite(address) else { throw .badAddress }
      }
    }
  }

  /// Sleeps, and lends the owner the thread's priority as long as it waits.
  private static func sleepLending(
    _ thread: ThreadPointer, to owner: UInt32, until deadline: UInt64?
  ) throws(Errno) {
    updateLent(owner)
    do throws(Errno) {
      try Futexes.sleep(thread, until: deadline)
    } catch {
      updateLent(thread.pointee.futexWaiter.futexLinks.owner)
      throw error
    }
  }

  /// Has a thread's lent priority be that of the first who waits for it, and passes it on to whom that thread waits
  /// for. No lock is held.
  @inline(never)
  static func updateLent(_ first: UInt32) {
    storedLending!.withLock {
      var owner = first
      for _ in 0..<chainLimit where owner != 0 {
        var highest: UInt8 = 0
        for number in 0..<Futexes.bucketCount {
          let bucket = Futexes.bucket(number)
          let wereEnabled = bucket.pointee.lock.acquire()
          highest = max(highest, bucket.pointee.queue.highestPriority(forLocksOf: owner))
          bucket.pointee.lock.release(wereEnabled)
        }
        owner = setLent(highest, of: owner)
      }
    }
  }

  /// - Returns: whom the thread waits for, if that one is to know of a change; else 0.
  private static func setLent(_ priority: UInt8, of identifier: UInt32) -> UInt32 {
    var next: UInt32 = 0
    do throws(Errno) {
      try SystemCalls.withThread(UInt64(identifier)) { thread throws(Errno) in
        if thread.pointee.lentPriority == priority { return }
        thread.pointee.lentPriority = priority
        Scheduler.updateClaim(of: thread)
        next = Futexes.reorder(thread)
      }
    } catch {}
    return next
  }

  /// The word of a lock that has to be `owner`'s.
  private static func word(at address: UInt64, of owner: UInt32) throws(Errno) -> FutexLockWord {
    guard let value = UserMemory.loadWord(address) else { throw .badAddress }
    let word = FutexLockWord(value)
    guard word.owner == owner else { throw .notPermitted }
    return word
  }

  /// Gives the lock up, to the thread with the highest priority, and of those the one that has waited longest.
  static func unlock(_ address: UInt64, isPrivate: Bool) throws(Errno) {
    let own = UInt32(bitPattern: Scheduler.current.pointee.identifier)
    // Before the address is looked at: of another's lock a wrong one is EPERM.
    _ = try word(at: address, of: own)
    let key = try Futexes.key(address, isPrivate: isPrivate)
    let bucket = Futexes.bucket(key.bucket(bits: 8))
    while true {
      let word = try word(at: address, of: own)
      let wereEnabled = bucket.pointee.lock.acquire()
      let next = bucket.pointee.queue.firstWaiter(for: key)
      if let next, !next.pointee.futexLinks.isForPriorityLock {
        bucket.pointee.lock.release(wereEnabled)
        throw .invalid
      }
      let successor = next.map { UInt32(bitPattern: $0.thread.pointee.identifier) }
      let new = successor.map { word.handedOver(to: $0) & ~FutexLockWord.ownerDied } ?? 0
      let outcome = UserMemory.compareExchange(address, expected: word.value, with: new)
      if outcome == .exchanged, let next { handOver(to: next, in: bucket, key) }
      bucket.pointee.lock.release(wereEnabled)
      switch outcome {
      case .exchanged:
        if Scheduler.current.pointee.lentPriority != 0 {
          updateLent(own)
          if let successor { updateLent(successor) }
        }
        return
      case .different: continue
      case .faulted: guard UserMemory.prepareToWrite(address) else { throw .badAddress }
      }
    }
  }

  /// The word names its new owner: wakes it. The bucket's lock is held.
  static func handOver(to next: FutexWaiterPointer, in bucket: Futexes.BucketPointer, _ key: FutexKey) {
    bucket.pointee.queue.remove(next)
    bucket.pointee.queue.setOwner(UInt32(bitPattern: next.thread.pointee.identifier), for: key)
    Scheduler.wake(next.thread)
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
          .handedOver(to: UInt32(bitPattern: next.thread.pointee.identifier))
        replace(key, with: value)
        handOver(to: next, in: bucket, key)
        bucket.pointee.lock.release(wereEnabled)
      }
    }
  }

  /// Writes a lock's word without faulting: where its page has gone, nobody can read it either. A word of other memory
  /// than the owner's names it by mistake, and the address says nothing here.
  private static func replace(_ key: FutexKey, with value: UInt32) {
    if key.isShared {
      // SAFETY: a frame of shared memory, which the waiter keeps; the lock of its bucket is held.
      let word = PhysicalMemory.pointer(to: key.address).assumingMemoryBound(to: UInt32.self)
      _ = atomicExchange(word, value)
    } else if key.space == Scheduler.current.pointee.pageTableRoot, let old = UserMemory.loadWord(key.address) {
      _ = UserMemory.compareExchange(key.address, expected: old, with: value)
    }
  }
}
