import Core
import Machine

/// From an ordinary word to a lock with an owner, as a condition variable needs it: who waits for the word is given the
/// lock, or waits for it from then on (FUTEX_WAIT_REQUEUE_PI, FUTEX_CMP_REQUEUE_PI).
extension PriorityFutexes {
  /// Waits while the word has the expected value, and returns as the owner of the lock.
  ///
  /// - Parameters:
  ///   - key: which the caller holds, as it does the lock's.
  ///   - lock: the lock's key; a requeue to another fails.
  static func waitForRequeue(
    _ address: UInt64, _ key: FutexKey, expected: UInt32, until deadline: UInt64?, lock: FutexKey
  ) throws(Errno) {
    waiterCount.add(1)
    defer {
      Scheduler.current.pointee.futexWaiter.futexLinks.stopWaiting()
      waiterCount.subtract(1)
    }
    do throws(Errno) {
      try Futexes.wait(address, key: key, expected: expected, until: deadline, bits: .max, target: lock)
    } catch {
      guard error == .interrupted || error == .timedOut else { throw error }
      let links = Scheduler.current.pointee.futexWaiter.futexLinks
      if links.awaitsRequeue { throw error == .interrupted ? .restartAlways : error }
      // It waited for the lock already. As on Linux the call is not made again, whose word may have changed.
      if links.priority != 0 { updateLent(links.owner) }
      throw error == .interrupted ? .tryAgain : error
    }
  }

  /// Gives the lock to the first who waits for a word, if it is free, and lets up to `limit` others wait for it.
  ///
  /// - Parameters:
  ///   - expected: what the word at `address` has to be.
  ///   - lockAddress: the lock's word, of which the caller holds the key.
  /// - Returns: how many were given the lock or moved.
  static func requeue(
    _ address: UInt64, _ key: FutexKey, expected: UInt32, toLockAt lockAddress: UInt64, _ lock: FutexKey, limit: Int
  ) throws(Errno) -> Int {
    guard key != lock else { throw .invalid }
    let source = Futexes.bucket(key.bucket(bits: Futexes.bucketBits))
    let number = lock.bucket(bits: Futexes.bucketBits)
    let target = Futexes.bucket(number)
    while true {
      guard let value = UserMemory.loadWord(lockAddress) else { throw .badAddress }
      let word = FutexLockWord(value)
      let wereEnabled = Interrupts.disable()
      Futexes.lock(source, target)
      let attempt = Attempt(word: word, lockAddress: lockAddress, limit: limit)
      let outcome = make(attempt, address, key, expected, source, lock, target, Int32(number))
      Futexes.unlock(source, target)
      Interrupts.restore(wereEnabled)
      switch outcome {
      case .done(let count, let owner, let failure):
        if owner != 0 { updateLent(owner) }
        if let failure { throw failure }
        return count
      case .changed: continue
      case .wordFaulted: guard UserMemory.loadWord(address) != nil else { throw .badAddress }
      case .lockFaulted: guard UserMemory.prepareToWrite(lockAddress) else { throw .badAddress }
      }
    }
  }

  /// What a requeue has found out without a lock.
  private struct Attempt {
    var word: FutexLockWord
    var lockAddress: UInt64
    var limit: Int
  }

  /// What has come of it: with the owner to whom priorities are to be lent, or 0.
  private enum Outcome {
    case done(Int, lending: UInt32, Errno?)
    /// The lock's word is another now.
    case changed
    case wordFaulted
    case lockFaulted
  }

  /// With the locks of both buckets held.
  private static func make(
    _ attempt: Attempt, _ address: UInt64, _ key: FutexKey, _ expected: UInt32, _ source: Futexes.BucketPointer,
    _ lock: FutexKey, _ target: Futexes.BucketPointer, _ number: Int32
  ) -> Outcome {
    func failed(_ error: Errno) -> Outcome { .done(0, lending: 0, error) }
    guard let found = UserMemory.loadWord(address) else { return .wordFaulted }
    guard found == expected else { return failed(.tryAgain) }
    guard let first = source.pointee.queue.firstWaiter(for: key) else { return .done(0, lending: 0, nil) }
    guard first.pointee.futexLinks.awaits(lock) else { return failed(.invalid) }
    let other = target.pointee.queue.firstWaiter(for: lock)
    if let other, !other.pointee.futexLinks.isForPriorityLock { return failed(.invalid) }

    let identifier = UInt32(bitPattern: first.thread.pointee.identifier)
    let word = attempt.word
    /// The word was read without a lock: who is the owner then may have given the lock up, and wait by now.
    func failedIfUnchanged(_ error: Errno) -> Outcome {
      UserMemory.loadWord(attempt.lockAddress) == word.value ? failed(error) : .changed
    }
    let new, owner: UInt32
    var isFree = false
    switch word.lock(
      by: identifier, othersWaitFor: other.map { $0.pointee.futexLinks.owner }, leavesWaiters: attempt.limit > 0)
    {
    case .deadlock: return failedIfUnchanged(.deadlock)
    case .contradiction: return failedIfUnchanged(.invalid)
    case .take(let value):
      new = value
      owner = identifier
      isFree = true
    case .wait(let value, let known):
      new = value
      owner = known
    }
    return withChain(from: owner) { chain in
      if !isFree, other == nil, chain.isEmpty { return failedIfUnchanged(.noProcess) }
      switch UserMemory.compareExchange(attempt.lockAddress, expected: word.value, with: new) {
      case .exchanged: break
      case .different: return .changed
      case .faulted: return .lockFaulted
      }
      if isFree {
        source.pointee.queue.remove(first)
        Scheduler.wake(first.thread)
      }
      let count = isFree ? 1 : 0
      // One at least is given the lock, or waits for it.
      let moved = withUnsafeMutablePointer(to: &source.pointee.queue) { sourceQueue in
        withUnsafeMutablePointer(to: &target.pointee.queue) { targetQueue in
          FutexQueue.requeue(
            key, on: sourceQueue, toLock: lock, of: owner, on: targetQueue, bucket: number,
            limit: attempt.limit + 1 - count, moved: Futexes.noteMove
          ) { chain.contains(UInt32(bitPattern: $0.thread.pointee.identifier)) }
        }
      }
      let failure: Errno? = moved.isMixture ? .invalid : moved.isDeadlock ? .deadlock : nil
      return .done(count + moved.moved, lending: moved.hasPriority ? owner : 0, failure)
    }
  }
}
