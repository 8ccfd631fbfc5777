import Core
import Machine

/// A process's file descriptors. Shared by processes that clone(2) makes with CLONE_FILES.
final class DescriptorTable: @unchecked Sendable {
  struct Entry {
    var file: OpenFile?
    var closesOnExec = false
    /// Whether it is kept for a file that is being opened.
    var isReserved = false

    var isFree: Bool { file == nil && !isReserved }
  }

  /// Guards what follows. No file is released with it held: its end may wake others or free memory.
  private var lock = SpinLock()
  private var entries = HeapArray<Entry>()
  /// Whether several threads have it, or have had. As long as it is one thread's alone, that one may look without the
  /// lock: nobody else changes it.
  private var isShared = false
  /// All descriptors below are in use.
  private var lowestFree = 0

  init() {}

  /// The open file behind a descriptor.
  @inline(__always)
  func file(_ descriptor: Int32) throws(Errno) -> OpenFile {
    let file: OpenFile?
    if isShared {
      lock.acquire()
      file = fileLocked(descriptor)
      lock.release()
    } else {
      file = fileLocked(descriptor)
    }
    guard let file else { throw .badFile }
    return file
  }

  @inline(__always)
  private func fileLocked(_ descriptor: Int32) -> OpenFile? {
    descriptor >= 0 && Int(descriptor) < entries.count ? entries[Int(descriptor)].file : nil
  }

  /// The same for a thread that may be another one's: /proc, pidfd_getfd(2).
  func fileOfOther(_ descriptor: Int32) throws(Errno) -> OpenFile {
    guard let file = lock.withLock({ fileLocked(descriptor) }) else { throw .badFile }
    return file
  }

  /// Another thread is about to have it too.
  func share() -> DescriptorTable {
    isShared = true
    return self
  }

  /// Gives a file the lowest free descriptor from `minimum` on.
  ///
  /// - Parameter limit: RLIMIT_NOFILE: no descriptor is as large.
  /// - Throws: EMFILE, ENOMEM.
  func add(_ file: OpenFile, closesOnExec: Bool = false, minimum: Int32 = 0, limit: Int32 = 1024) throws(Errno)
    -> Int32
  {
    try take(Entry(file: file, closesOnExec: closesOnExec), minimum: minimum, limit: limit)
  }

  /// Keeps the lowest free descriptor for a file that is still to be opened: for calls that change something on the way
  /// to it. `fill` or `giveBack` follows.
  ///
  /// - Throws: EMFILE, ENOMEM.
  func reserve(limit: Int32) throws(Errno) -> Int32 { try take(Entry(isReserved: true), minimum: 0, limit: limit) }

  /// Gives a file the descriptor that was reserved for it.
  func fill(_ descriptor: Int32, with file: OpenFile, closesOnExec: Bool) {
    lock.acquire()
    entries[Int(descriptor)] = Entry(file: file, closesOnExec: closesOnExec)
    lock.release()
  }

  /// A reserved descriptor is not needed after all.
  func giveBack(_ descriptor: Int32) {
    lock.acquire()
    entries[Int(descriptor)] = Entry()
    lowestFree = min(lowestFree, Int(descriptor))
    lock.release()
  }

  private func take(_ entry: Entry, minimum: Int32, limit: Int32) throws(Errno) -> Int32 {
    lock.acquire()
    var candidate = max(Int(minimum), lowestFree)
    while candidate < entries.count, !entries[candidate].isFree { candidate &+= 1 }
    guard candidate < Int(limit) else {
      lock.release()
      throw .tooManyFiles
    }
    guard reachLocked(candidate) else {
      lock.release()
      throw .outOfMemory
    }
    entries[candidate] = entry
    if Int(minimum) <= lowestFree { lowestFree = candidate &+ 1 }
    lock.release()
    return Int32(candidate)
  }

  /// Makes entries up to a descriptor's. The lock is held.
  ///
  /// - Returns: false when memory is out.
  private func reachLocked(_ descriptor: Int) -> Bool {
    let missing = descriptor &+ 1 &- entries.count
    if missing <= 0 { return true }
    guard entries.makeRoom(for: missing) else { return false }
    for _ in 0..<missing { entries.append(Entry()) }
    return true
  }

  /// Gives a file a certain descriptor, and closes what was there (dup2(2)).
  ///
  /// - Throws: EBADF for a descriptor that the limit does not allow, ENOMEM, EBUSY for one that another thread is
  ///   opening a file for.
  func put(_ file: OpenFile, at descriptor: Int32, closesOnExec: Bool, limit: Int32 = 1024) throws(Errno) {
    guard descriptor >= 0, descriptor < limit else { throw .badFile }
    lock.acquire()
    guard reachLocked(Int(descriptor)) else {
      lock.release()
      throw .outOfMemory
    }
    guard !entries[Int(descriptor)].isReserved else {
      lock.release()
      throw .busy
    }
    let old = entries[Int(descriptor)].file
    entries[Int(descriptor)] = Entry(file: file, closesOnExec: closesOnExec)
    lock.release()
    if let old { closed(old) }
  }

  /// close(2)
  func close(_ descriptor: Int32) throws(Errno) {
    lock.acquire()
    let file = takeLocked(Int(descriptor))
    lock.release()
    guard let file else { throw .badFile }
    closed(file)
  }

  private func takeLocked(_ index: Int) -> OpenFile? {
    guard index >= 0, index < entries.count, let file = entries[index].file else { return nil }
    entries[index] = Entry()
    lowestFree = min(lowestFree, index)
    return file
  }

  /// A descriptor does not refer to a file any more.
  private func closed(_ file: OpenFile) {
    if file.node.mayHaveRecordLocks { FileLocks.releaseRecordLocks(of: self, on: file.node) }
    if file.hearsOfClosing { file.descriptorClosed() }
  }

  /// close_range(2): all descriptors of a range.
  ///
  /// - Parameter onExec: whether they are only marked, to be closed by execve(2).
  func close(_ range: ClosedRange<UInt32>, onExec: Bool) {
    var index = Int(range.lowerBound)
    while index <= Int(range.upperBound) {
      lock.acquire()
      while index < entries.count, entries[index].file == nil { index &+= 1 }
      guard index < entries.count, index <= Int(range.upperBound) else {
        lock.release()
        return
      }
      var file: OpenFile?
      if onExec { entries[index].closesOnExec = true } else { file = takeLocked(index) }
      lock.release()
      if let file { closed(file) }
      index += 1
    }
  }

  /// F_GETFD
  func closesOnExec(_ descriptor: Int32) throws(Errno) -> Bool {
    try lock.withLock { () throws(Errno) in
      guard descriptor >= 0, Int(descriptor) < entries.count, entries[Int(descriptor)].file != nil else {
        throw .badFile
      }
      return entries[Int(descriptor)].closesOnExec
    }
  }

  /// F_SETFD
  func setClosesOnExec(_ descriptor: Int32, _ closes: Bool) throws(Errno) {
    try lock.withLock { () throws(Errno) in
      guard descriptor >= 0, Int(descriptor) < entries.count, entries[Int(descriptor)].file != nil else {
        throw .badFile
      }
      entries[Int(descriptor)].closesOnExec = closes
    }
  }

  /// A copy for a child of fork(2): the same open files under the same numbers.
  ///
  /// - Throws: ENOMEM.
  func copy() throws(Errno) -> DescriptorTable {
    let copy = DescriptorTable()
    lock.acquire()
    // What was in use once, and is not any more, is left out.
    var count = entries.count
    while count > 0, entries[count - 1].file == nil { count &-= 1 }
    guard copy.entries.makeRoom(for: count) else {
      lock.release()
      throw .outOfMemory
    }
    copy.lowestFree = min(lowestFree, count)
    for index in 0..<count {
      var entry = entries[index]
      if entry.isReserved {
        // The file will be the parent's alone.
        entry = Entry()
        copy.lowestFree = min(copy.lowestFree, index)
      }
      copy.entries.append(entry)
    }
    lock.release()
    return copy
  }

  /// execve(2) closes what is marked so.
  func closeOnExec() {
    var index = 0
    while true {
      lock.acquire()
      while index < entries.count, !entries[index].closesOnExec { index &+= 1 }
      let file = index < entries.count ? takeLocked(index) : nil
      let isAtEnd = index >= entries.count
      lock.release()
      if isAtEnd { return }
      if let file { closed(file) }
    }
  }

  /// The first descriptor in use from a number on, with its file: for /proc/self/fd.
  func first(from number: Int32) -> (Int32, OpenFile)? {
    lock.withLock {
      var index = max(Int(number), 0)
      while index < entries.count {
        if let file = entries[index].file { return (Int32(index), file) }
        index += 1
      }
      return nil
    }
  }

  /// One more than the largest descriptor that was ever in use.
  var size: Int { lock.withLock { entries.count } }

  deinit {
    for index in 0..<entries.count {
      if let file = entries[index].file { closed(file) }
    }
    entries.removeAll()
  }
}
