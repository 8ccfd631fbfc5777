import Core
import Machine

/// Locks whose owner stands in the word and who are handed over by the kernel (FUTEX_LOCK_PI). A waiter with a
/// real-time priority lends it to the owner, and to whom that one waits for.
enum PriorityFutexes {
  /// How far priorities are passed on, from owner to owner.
  private static var chainLimit: Int { FutexOwnerChain.limit }
  /// Held while lent priorities are computed and set.
  nonisolated(unsafe) private static var storedLending: Mutex?

  static func initialize() { storedLending = Mutex() }

  /// Threads that wait for such a lock: a thread that ends looks for them only where there are any.
  nonisolated(unsafe) static var waiterCount = AtomicWord()

  /// Guards who begins to wait for whom, so that of those who close a circle together one sees it. Inside the buckets'
  /// locks; inside it that of the list of threads.
  nonisolated(unsafe) private static var chainLock = InterruptLock()

  /// Takes the lock, or waits until it is handed over.
  ///
  /// - Parameter key: which the caller holds: an owner that ends writes to shared memory by its frame.
  /// - Throws: `noProcess` where its owner has ended, and was not robust; `deadlock` where it waits, itself or by
  ///   others, for a lock of the current thread's.
  static func lock(
    _ address: UInt64, _ key: FutexKey, until deadline: UInt64?, mayWait: Bool
  ) throws(Errno) {
    let thread = Scheduler.current
    let number = key.bucket(bits: Futexes.bucketBits)
    let bucket = Futexes.bucket(number)
    while true {
      guard let value = UserMemory.loadWord(address) else { throw .badAddress }
      let wereEnabled = bucket.pointee.lock.acquire()
      let entry = enter(thread, FutexLockWord(value), address, key, Int32(number), mayWait: mayWait)
      // One that lends its priority has to do so first.
      if case .waits = entry, thread.pointee.futexWaiter.futexLinks.priority == 0 {
        Sleep.markBlocked(thread, until: deadline)
      }
      bucket.pointee.lock.release(wereEnabled)
      switch entry {
      case .owns: return
      case .waits(let owner):
        defer {
          thread.pointee.futexWaiter.futexLinks.stopWaiting()
          waiterCount.subtract(1)
        }
        if thread.pointee.futexWaiter.futexLinks.priority == 0 {
          return try Futexes.sleep(thread, until: deadline)
        }
        return try sleepLending(thread, to: owner, until: deadline)
      case .failed(let error): throw error
      case .changed: continue
      case .faulted: guard UserMemory.prepareToWrite(address) else { throw .badAddress }
      }
    }
  }

  /// What has come of an attempt to take a lock.
  private enum Entry {
    case owns
    /// On the queue, and counted among those who wait.
    case waits(for: UInt32)
    case failed(Errno)
    /// The word is another now.
    case changed
    case faulted

    /// - Parameter success: what it is where the word was exchanged.
    init(_ outcome: UserMemory.ExchangeOutcome, success: Entry) {
      switch outcome {
      case .exchanged: self = success
      case .different: self = .changed
      case .faulted: self = .faulted
      }
    }
  }

  /// Takes the lock, or has the thread wait for it, by what its word was. The bucket's lock is held.
  private static func enter(
    _ thread: ThreadPointer, _ word: FutexLockWord, _ address: UInt64, _ key: FutexKey, _ number: Int32, mayWait: Bool
  ) -> Entry {
    let bucket = Futexes.bucket(Int(number))
    let own = UInt32(bitPattern: thread.pointee.identifier)
    let other = bucket.pointee.queue.firstWaiter(for: key)
    /// The word was read without a lock: who was the owner then may have given the lock up.
    func failedIfUnchanged(_ error: Errno) -> Entry {
      UserMemory.loadWord(address) == word.value ? .failed(error) : .changed
    }
    let new, owner: UInt32
    switch word.lock(by: own, othersWaitFor: other.map { $0.pointee.futexLinks.owner }) {
    case .deadlock: return .failed(.deadlock)
    case _ where other.map { !$0.pointee.futexLinks.isForPriorityLock } ?? false: return .failed(.invalid)
    case .contradiction: return failedIfUnchanged(.invalid)
    case .take(let value):
      return Entry(UserMemory.compareExchange(address, expected: word.value, with: value), success: .owns)
    case .wait(let value, let known):
      new = value
      owner = known
    }
    // Before the look at the owner: one that has not left its locks then sees that somebody waits.
    waiterCount.add(1)
    let entry = withChain(from: owner) { chain in
      // For whom others wait, whether it is ending or not, is still to hand the lock over.
      if other == nil, chain.isEmpty { return failedIfUnchanged(.noProcess) }
      if !mayWait { return .failed(.tryAgain) }
      if chain.contains(own) { return failedIfUnchanged(.deadlock) }
      let outcome = UserMemory.compareExchange(address, expected: word.value, with: new)
      if outcome == .exchanged {
        thread.pointee.futexWaiter.futexLinks.bucket = number
        bucket.pointee.queue.append(
          thread.futexWaiter, key: key, owner: owner, priority: thread.pointee.scheduling.priority)
      }
      return Entry(outcome, success: .waits(for: owner))
    }
    if case .waits = entry { return entry }
    waiterCount.subtract(1)
    return entry
  }

  /// Calls `body` with those for whom a waiter of that owner would wait; until it returns nobody else begins to wait.
  /// Interrupts are disabled.
  @inline(__always)
  static func withChain<Result>(from owner: UInt32, _ body: (FutexOwnerChain) -> Result) -> Result {
    chainLock.acquireWithInterruptsDisabled()
    defer { chainLock.releaseWithInterruptsDisabled() }
    return body(
      FutexOwnerChain(from: owner) { identifier in
        Threads.withListed(Int32(bitPattern: identifier)) { thread -> UInt32? in
          thread.pointee.hasLeftLocks.load() != 0 ? nil : thread.pointee.futexWaiter.futexLinks.owner
        }
      })
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
    let bucket = Futexes.bucket(key.bucket(bits: Futexes.bucketBits))
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
      if outcome == .exchanged, let next { handOver(to: next, in: bucket) }
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
  private static func handOver(to next: FutexWaiterPointer, in bucket: Futexes.BucketPointer) {
    bucket.pointee.queue.handOver(to: next, UInt32(bitPattern: next.thread.pointee.identifier))
    Scheduler.wake(next.thread)
  }

  /// The current thread ends, or begins another program: the locks that it holds and that others wait for go to those.
  /// Nobody begins to wait for it after this.
  static func ownerEnds() {
    // In one access, which nothing overtakes: who has not seen this has been counted before.
    _ = Scheduler.current.pointee.hasLeftLocks.exchange(1)
    if waiterCount.load() == 0 { return }
    let own = UInt32(bitPattern: Scheduler.current.pointee.identifier)
    for number in 0..<Futexes.bucketCount {
      let bucket = Futexes.bucket(number)
      // A word whose page could not be made writable: nobody can look at it, or it is to be read alone.
      var unwritable: UInt64?
      while true {
        let wereEnabled = bucket.pointee.lock.acquire()
        guard let next = bucket.pointee.queue.firstWaiter(forLockOf: own) else {
          bucket.pointee.lock.release(wereEnabled)
          break
        }
        let key = next.pointee.futexLinks.key
        let value = FutexLockWord(FutexLockWord.ownerDied)
          .handedOver(to: UInt32(bitPattern: next.thread.pointee.identifier))
        if replace(key, with: value) || unwritable == key.address {
          handOver(to: next, in: bucket)
          bucket.pointee.lock.release(wereEnabled)
          continue
        }
        // Since a fork, say, its page is to be copied first, which takes a fault.
        bucket.pointee.lock.release(wereEnabled)
        if !UserMemory.prepareToWrite(key.address) { unwritable = key.address }
      }
    }
  }

  /// Writes a lock's word without faulting. A word of other memory than the owner's names it by mistake, and the
  /// address says nothing here.
  ///
  /// - Returns: false where the owner's page would have to be made writable first.
  private static func replace(_ key: FutexKey, with value: UInt32) -> Bool {
    if key.isShared {
      // SAFETY: a frame of shared memory, which the waiter keeps; the lock of its bucket is held.
      let word = PhysicalMemory.pointer(to: key.address).assumingMemoryBound(to: UInt32.self)
      _ = atomicExchange(word, value)
      return true
    }
    guard key.space == Scheduler.current.pointee.pageTableRoot else { return true }
    guard let old = UserMemory.loadWord(key.address) else { return false }
    return UserMemory.compareExchange(key.address, expected: old, with: value) != .faulted
  }
}
