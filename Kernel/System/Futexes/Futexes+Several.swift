import Core
import Machine

/// Waiting for any of several words (futex_waitv(2)).
extension Futexes {
  /// One of them. Its address must not change while the thread waits.
  struct Word {
    var waiter: FutexWaiter
    var key = FutexKey(space: 0, address: 0)
    /// Whether the frame of its key is held.
    var isHeld = false
    let address: UInt64
    let expected: UInt32
    let isPrivate: Bool

    /// Finds its key anew, and holds that.
    mutating func holdKey() throws(Errno) {
      letGoOfKey()
      key = try Futexes.holdKey(address, isPrivate: isPrivate)
      isHeld = true
    }

    mutating func letGoOfKey() {
      if isHeld { Futexes.letGo(key) }
      isHeld = false
    }
  }

  /// Waits while each of the words has the value that is expected of it. In a program's thread.
  ///
  /// - Returns: the index of one that the thread was woken for.
  /// - Throws: `tryAgain` where one has not, `timedOut`, `badAddress`, `invalid`, or `interrupted` by a signal.
  static func wait(
    forAnyOf words: UnsafeMutableBufferPointer<Word>, until deadline: UInt64?
  ) throws(Errno) -> Int {
    let thread = Scheduler.current
    defer {
      Sleep.cancel(thread)
      for index in 0..<words.count { words[index].letGoOfKey() }
    }
    while true {
      for index in 0..<words.count { try words[index].holdKey() }
      var queued = 0
      while queued < words.count, enqueue(words.baseAddress! + queued) == .queued { queued += 1 }
      if queued < words.count {
        // Who has woken the thread meanwhile counts on it.
        if let woken = takeOff(words, count: queued) { return woken }
        // Without a lock the page can be made.
        guard let value = UserMemory.loadWord(words[queued].address) else { throw .badAddress }
        if value != words[queued].expected { throw .tryAgain }
        continue
      }
      Interrupts.withDisabled { Sleep.markBlocked(thread, until: deadline) }
      // A waker that came before found the thread running, and has taken the waiter off.
      if (0..<words.count).contains(where: { !words[$0].waiter.futexLinks.isQueued }) {
        Scheduler.wake(thread)
      } else {
        Scheduler.block()
      }
      if let woken = takeOff(words, count: words.count) { return woken }
      if let deadline, readTimeStampCounter() >= deadline { throw .timedOut }
      if thread.pointee.head.hasSignal != 0 { throw .interrupted }
    }
  }

  private enum Enqueued {
    case queued, different
  }

  /// Has the current thread wait for a word too, if that is as expected and can be read at once.
  private static func enqueue(_ word: UnsafeMutablePointer<Word>) -> Enqueued {
    let number = word.pointee.key.bucket(bits: bucketBits)
    let bucket = bucket(number)
    return bucket.pointee.lock.withLock {
      guard UserMemory.loadWord(word.pointee.address) == word.pointee.expected else { return .different }
      word.pointee.waiter.futexLinks.bucket = Int32(number)
      withUnsafeMutablePointer(to: &word.pointee.waiter) {
        bucket.pointee.queue.append(
          $0, key: word.pointee.key, priority: $0.thread.pointee.scheduling.priority)
      }
      return .queued
    }
  }

  /// Takes the first `count` off their queues. From then on nobody refers to them.
  ///
  /// - Returns: the last that somebody else has taken off.
  private static func takeOff(_ words: UnsafeMutableBufferPointer<Word>, count: Int) -> Int? {
    var woken: Int?
    for index in 0..<count {
      withUnsafeMutablePointer(to: &words[index].waiter) { waiter in
        Interrupts.withDisabled {
          let bucket = lockBucket(of: waiter)
          if waiter.pointee.futexLinks.isQueued { bucket.pointee.queue.remove(waiter) } else { woken = index }
          bucket.pointee.lock.releaseWithInterruptsDisabled()
        }
        waiter.letGoOfFrame()
      }
    }
    return woken
  }
}
