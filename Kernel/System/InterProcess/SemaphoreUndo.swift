import Core
import Machine

/// What is to be added to the semaphores of one set when those who share a list have ended (semop(2), SEM_UNDO). In the
/// heap, on a list of theirs and on one of the set's.
struct SemaphoreUndo {
  let set: Unmanaged<SemaphoreSet>
  let list: Unmanaged<SemaphoreUndoList>
  /// One for each semaphore of the set, behind this record. Under the set's lock.
  let adjustments: UnsafeMutablePointer<Int16>
  let size: Int
  // Under the set's lock.
  fileprivate(set) var nextInSet: UnsafeMutablePointer<SemaphoreUndo>?
  fileprivate var previousInSet: UnsafeMutablePointer<SemaphoreUndo>?
  // Under the list's.
  fileprivate var nextInList: UnsafeMutablePointer<SemaphoreUndo>?
  fileprivate var previousInList: UnsafeMutablePointer<SemaphoreUndo>?
}

/// What threads that share it (clone(2), CLONE_SYSVSEM) have done with SEM_UNDO: one entry for each set.
///
/// An entry is removed with its set, or when the last thread that shares the list ends: both with the set's lock held, so
/// that an entry which is found under it stays.
final class SemaphoreUndoList: @unchecked Sendable {
  typealias Entry = UnsafeMutablePointer<SemaphoreUndo>

  /// Guards what follows. Inside of the lock of a set.
  private var lock = SpinLock()
  private var first: Entry?
  /// How many threads share it.
  private var userCount = 1

  /// The current thread's; made where there is none.
  static func ofCurrent() throws(Errno) -> SemaphoreUndoList {
    let thread = Scheduler.current
    if let list = thread.pointee.semaphoreUndos { return list }
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let list = SemaphoreUndoList()
    thread.pointee.semaphoreUndos = list
    return list
  }

  /// The same for a new thread, which has not begun to run.
  func share(with thread: ThreadPointer) {
    lock.withLock { userCount += 1 }
    thread.pointee.semaphoreUndos = self
  }

  /// A thread gives up what it shares: with the last one everything is taken back. No lock is held.
  static func leave(_ thread: ThreadPointer) {
    guard let list = thread.pointee.semaphoreUndos else { return }
    thread.pointee.semaphoreUndos = nil
    let isLast = list.lock.withLock {
      list.userCount -= 1
      return list.userCount == 0
    }
    if isLast { list.takeBackAll(process: thread.pointee.processIdentifier) }
  }

  private func takeBackAll(process: Int32) {
    while let set = firstSet() {
      set.lock.acquire()
      // Unless the set has been removed meanwhile, and the entry with it.
      if let entry = entry(of: set) {
        set.takeBack(entry, process: process)
        Self.remove(entry, from: set)
      }
      set.lock.release()
    }
  }

  /// The set of the first entry. It is there as long as the entry is: whoever removes it removes the entry first.
  @inline(never)
  private func firstSet() -> SemaphoreSet? {
    lock.acquire()
    defer { lock.release() }
    guard let first else { return nil }
    return first.pointee.set.takeUnretainedValue()
  }

  /// The entry for a set, whose lock is held.
  func entry(of set: SemaphoreSet) -> Entry? {
    let wanted = Unmanaged.passUnretained(set).toOpaque()
    return lock.withLock {
      var next = first
      while let entry = next, entry.pointee.set.toOpaque() != wanted { next = entry.pointee.nextInList }
      return next
    }
  }

  /// Makes the entry for a set, whose lock is held.
  func insert(_ memory: UnsafeMutableRawPointer, size: Int, for set: SemaphoreSet) -> Entry {
    let entry = memory.bindMemory(to: SemaphoreUndo.self, capacity: 1)
    let adjustments = (memory + MemoryLayout<SemaphoreUndo>.stride)
      .bindMemory(to: Int16.self, capacity: set.semaphores.count)
    adjustments.initialize(repeating: 0, count: set.semaphores.count)
    entry.initialize(
      to: SemaphoreUndo(
        set: .passUnretained(set), list: .passUnretained(self), adjustments: adjustments, size: size))
    entry.pointee.nextInSet = set.firstUndo
    set.firstUndo?.pointee.previousInSet = entry
    set.firstUndo = entry
    lock.withLock {
      entry.pointee.nextInList = first
      first?.pointee.previousInList = entry
      first = entry
    }
    return entry
  }

  /// Ends an entry. The lock of its set is held.
  static func remove(_ entry: Entry, from set: SemaphoreSet) {
    let next = entry.pointee.nextInSet
    next?.pointee.previousInSet = entry.pointee.previousInSet
    if let previous = entry.pointee.previousInSet { previous.pointee.nextInSet = next } else { set.firstUndo = next }
    // The list is there: its last user removes its entries, for which he needs the set's lock.
    entry.pointee.list._withUnsafeGuaranteedRef { $0.unlink(entry) }
    InterProcessMemory.deallocate(entry, size: entry.pointee.size)
  }

  private func unlink(_ entry: Entry) {
    lock.withLock {
      let next = entry.pointee.nextInList
      next?.pointee.previousInList = entry.pointee.previousInList
      if let previous = entry.pointee.previousInList { previous.pointee.nextInList = next } else { first = next }
    }
  }
}

extension SemaphoreSet {
  /// Takes the lock, with the current thread's entry for the set where that is wanted.
  ///
  /// - Throws: EIDRM, ENOMEM; the lock is not held then.
  func lockWithUndo(_ isWanted: Bool) throws(Errno) -> UnsafeMutablePointer<SemaphoreUndo>? {
    let list = isWanted ? try SemaphoreUndoList.ofCurrent() : nil
    lock.acquire()
    if isRemoved {
      lock.release()
      throw .identifierRemoved
    }
    guard let list else { return nil }
    if let entry = list.entry(of: self) { return entry }
    lock.release()
    let size = MemoryLayout<SemaphoreUndo>.stride + semaphores.count * 2
    guard let memory = InterProcessMemory.allocate(size: size) else { throw .outOfMemory }
    lock.acquire()
    if isRemoved {
      lock.release()
      InterProcessMemory.deallocate(memory, size: size)
      throw .identifierRemoved
    }
    // Another thread that shares the list may have been faster.
    if let entry = list.entry(of: self) {
      InterProcessMemory.deallocate(memory, size: size)
      return entry
    }
    return list.insert(memory, size: size, for: self)
  }
}
