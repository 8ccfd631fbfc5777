import Core
import Machine

/// A pipe or an open FIFO (pipe(7)): a ring of pages, and who waits for it.
///
/// The lock is held for some instructions at a time and never while bytes are copied: a reader and a writer each
/// claim their side, copy between user memory and the pages of the ring, and then commit. Pages are allocated when
/// the ring first reaches them, and kept until the last end is closed.
final class Pipe: @unchecked Sendable {
  /// Guards everything below but the pages' contents. Inside it run queues are locked.
  var lock = InterruptLock()
  var ring = PipeRing()
  /// A page's address in the direct map for each page of the ring; nil where none was needed yet. Changed by who
  /// has claimed the side, which for another size are both.
  var pages: UnsafeMutablePointer<UnsafeMutableRawPointer?>

  /// Open files that can read, and that can write.
  var readerCount = 0
  var writerCount = 0
  /// How often one was opened: what the open of the other end of a FIFO waits for a change of.
  var readersOpened: UInt32 = 0
  var writersOpened: UInt32 = 0

  var isBeingRead = false
  var isBeingWritten = false

  var waitingReaders = WaitList()
  var waitingWriters = WaitList()
  /// Threads that wait until a side is no longer claimed, or for the other end of a FIFO.
  var waitingOthers = WaitList()
  let watchers = WatcherList()

  /// - Returns: nil when memory is out.
  init?() {
    guard Frames.freeCount > Frames.reserve, let pages = Self.allocatePages(for: PipeRing.defaultCapacity) else {
      return nil
    }
    self.pages = pages
  }

  deinit {
    freePages()
    KernelHeap.deallocate(pages)
    if let marks = ring.setPacketMemory(nil) { KernelHeap.deallocate(marks) }
  }

  // MARK: Waiting

  enum Waiters {
    case readers, writers, others
  }

  /// Has the current thread sleep until it is woken or has a signal. The lock is held, and is again on return;
  /// interrupts are disabled throughout.
  ///
  /// - Returns: false where the thread has a signal.
  func wait(among waiters: Waiters) -> Bool {
    let thread = Scheduler.current
    switch waiters {
    case .readers: waitingReaders.append(thread)
    case .writers: waitingWriters.append(thread)
    case .others: waitingOthers.append(thread)
    }
    Sleep.markBlocked(thread, until: nil)
    lock.releaseWithInterruptsDisabled()
    Scheduler.block()
    lock.acquireWithInterruptsDisabled()
    if thread.pointee.isOnWaitQueue {
      switch waiters {
      case .readers: waitingReaders.remove(thread)
      case .writers: waitingWriters.remove(thread)
      case .others: waitingOthers.remove(thread)
      }
    }
    return thread.pointee.head.hasSignal == 0
  }

  @inline(__always)
  private static func wakeFirst(_ list: inout WaitList) {
    guard let thread = list.first else { return }
    list.remove(thread)
    Scheduler.wake(thread)
  }

  static func wakeAll(_ list: inout WaitList) {
    while list.first != nil { wakeFirst(&list) }
  }

  /// Wakes one of those who could go on as things are. Each that goes on, or gives up, wakes the next.
  @inline(__always)
  func wakeWhoCanGoOn() {
    if waitingReaders.first != nil, ring.count > 0 { Self.wakeFirst(&waitingReaders) }
    if waitingWriters.first != nil, ring.isWritable { Self.wakeFirst(&waitingWriters) }
  }

  /// Waits until nobody else copies out of the ring, or into it, and claims both sides. Who copies may sleep for as
  /// long as it likes, in splice(2). The lock is held.
  func claim() throws(Errno) {
    while isBeingRead || isBeingWritten {
      if !wait(among: .others), isBeingRead || isBeingWritten { throw .restart }
    }
    isBeingRead = true
    isBeingWritten = true
  }

  @inline(__always)
  func unclaimReading() {
    isBeingRead = false
    if waitingOthers.first != nil { Self.wakeAll(&waitingOthers) }
  }

  @inline(__always)
  func unclaimWriting() {
    isBeingWritten = false
    if waitingOthers.first != nil { Self.wakeAll(&waitingOthers) }
  }

  // MARK: Reading

  /// Waits until there is something to read. The lock is held.
  ///
  /// - Returns: false at the end of the file.
  @inline(__always)
  private func waitForBytes(isNonBlocking: Bool) throws(Errno) -> Bool {
    while true {
      while isBeingRead {
        if !wait(among: .others), isBeingRead { throw .restart }
      }
      if ring.count > 0 { return true }
      if writerCount == 0 { return false }
      if isNonBlocking { throw .tryAgain }
      if !wait(among: .readers), ring.count == 0, writerCount > 0 { throw .restart }
    }
  }

  /// read(2). What it returns has left the pipe; after a fault nothing that was not delivered has.
  func read(_ buffer: inout TransferBuffer, isNonBlocking: Bool) throws(Errno) -> Int {
    if buffer.remaining == 0 { return 0 }
    let wereEnabled = lock.acquire()
    do throws(Errno) {
      guard try waitForBytes(isNonBlocking: isNonBlocking) else {
        lock.release(wereEnabled)
        return 0
      }
    } catch {
      lock.release(wereEnabled)
      throw error
    }
    isBeingRead = true
    var total = 0
    var failure: Errno?
    var released: PollEvents = []
    while true {
      let reservation = ring.readable(buffer.remaining)
      let head = ring.head
      if reservation.count == 0 { break }
      lock.release(wereEnabled)
      var copied = 0
      do throws(Errno) {
        while copied < reservation.count {
          let place = ring.place(of: head &+ UInt64(copied))
          let portion = min(place.count, reservation.count - copied)
          try buffer.put(UnsafeRawBufferPointer(start: pages[place.page]! + place.offset, count: portion))
          copied += portion
        }
      } catch {
        failure = error
      }
      _ = lock.acquire()
      let isComplete = copied == reservation.count
      ring.commitRead(
        isComplete ? reservation.consumed : reservation.isPacket ? 0 : copied,
        isPacket: reservation.isPacket && isComplete, mayRestart: !isBeingWritten)
      total += copied
      // A read ends with a packet, and with what was there: it does not wait for more.
      if failure != nil || reservation.isPacket || buffer.remaining == 0 { break }
    }
    unclaimReading()
    wakeWhoCanGoOn()
    if ring.isWritable { released = [.output, .outputNormal] }
    lock.release(wereEnabled)
    watchers.notify(released)
    if total == 0, let failure { throw failure }
    return total
  }

  // MARK: Reading by splice(2)

  /// Waits for bytes and claims the reading side.
  ///
  /// - Returns: false at the end of the file, with nothing claimed.
  func beginReading(isNonBlocking: Bool) throws(Errno) -> Bool {
    let wereEnabled = lock.acquire()
    defer { lock.release(wereEnabled) }
    guard try waitForBytes(isNonBlocking: isNonBlocking) else { return false }
    isBeingRead = true
    return true
  }

  /// Bytes in a page that has been reached.
  func bytes(at page: Int, _ offset: Int) -> UnsafeRawPointer { UnsafeRawPointer(pages[page]! + offset) }

  func commitReading(_ consumed: Int, isPacket: Bool) {
    lock.withLock { ring.commitRead(consumed, isPacket: isPacket, mayRestart: !isBeingWritten) }
  }

  func endReading() {
    let isWritable = lock.withLock {
      unclaimReading()
      wakeWhoCanGoOn()
      return ring.isWritable
    }
    if isWritable { watchers.notify([.output, .outputNormal]) }
  }

  /// Waits until there is room for more.
  ///
  /// - Returns: how many bytes there are room for; more than 0 also where nobody reads, which the write then finds.
  func waitForRoom(isNonBlocking: Bool) throws(Errno) -> Int {
    let wereEnabled = lock.acquire()
    defer { lock.release(wereEnabled) }
    while !ring.isWritable, readerCount > 0 {
      if isNonBlocking { throw .tryAgain }
      if !wait(among: .writers), !ring.isWritable { throw .restart }
    }
    // Whoever waits after this one is woken by it, or by the write that follows.
    wakeWhoCanGoOn()
    return max(ring.room, PipeRing.atomicSize)
  }

  // MARK: Writing

  /// write(2).
  ///
  /// - Parameter isPacket: whether the write makes packets (O_DIRECT).
  /// - Throws: `brokenPipe` where nobody can read any more; the caller sends SIGPIPE. After some bytes the same
  ///   comes as `isBroken`.
  func write(
    _ buffer: inout TransferBuffer, isNonBlocking: Bool, isPacket: Bool, isBroken: inout Bool
  ) throws(Errno) -> Int {
    if buffer.remaining == 0 { return 0 }
    let isWhole = buffer.remaining <= PipeRing.atomicSize
    let wereEnabled = lock.acquire()
    var total = 0
    var failure: Errno?
    if isPacket, !ring.hasPacketMemory { failure = makePacketMemory() }
    while failure == nil, buffer.remaining > 0 {
      while failure == nil, isBeingWritten {
        if !wait(among: .others), isBeingWritten { failure = .restart }
      }
      if failure != nil { break }
      if readerCount == 0 {
        isBroken = true
        failure = .brokenPipe
        break
      }
      let count = ring.writableCount(buffer.remaining, isWhole: isWhole, isPacket: isPacket)
      if count == 0 {
        if isNonBlocking {
          failure = .tryAgain
        } else if !wait(among: .writers) {
          failure = .restart
        }
        continue
      }
      let tail = ring.tail
      isBeingWritten = true
      lock.release(wereEnabled)
      var copied = 0
      do throws(Errno) { try copy(&buffer, to: tail, count: count, &copied) } catch { failure = error }
      _ = lock.acquire()
      // An atomic write that faults leaves nothing behind.
      if failure != nil, isWhole || isPacket { copied = 0 }
      ring.commitWrite(copied, isPacket: isPacket)
      total += copied
      unclaimWriting()
      if waitingReaders.first != nil, ring.count > 0 { Self.wakeFirst(&waitingReaders) }
      if buffer.remaining > 0, copied > 0, !isNonBlocking {
        // Watchers must not wait until all of a long write is in.
        lock.release(wereEnabled)
        watchers.notify([.input, .inputNormal])
        _ = lock.acquire()
      }
    }
    wakeWhoCanGoOn()
    lock.release(wereEnabled)
    if total > 0 { watchers.notify([.input, .inputNormal]) }
    if total == 0, let failure { throw failure }
    return total
  }

  /// Copies bytes into the ring, whose writing side is claimed.
  private func copy(
    _ buffer: inout TransferBuffer, to tail: UInt64, count: Int, _ copied: inout Int
  ) throws(Errno) {
    while copied < count {
      let place = ring.place(of: tail &+ UInt64(copied))
      let portion = min(place.count, count - copied)
      let page = try page(place.page)
      try buffer.take(into: UnsafeMutableRawBufferPointer(start: page + place.offset, count: portion))
      copied += portion
    }
  }

  @inline(__always)
  private func page(_ number: Int) throws(Errno) -> UnsafeMutableRawPointer {
    if let page = pages[number] { return page }
    guard let frame = Frames.allocateForUser() else { throw .outOfMemory }
    let page = PhysicalMemory.pointer(to: frame)
    pages[number] = page
    return page
  }

  // MARK: What poll and ioctl look at

  var hasReader: Bool { lock.withLock { readerCount > 0 } }

  /// FIONREAD
  var byteCount: Int { lock.withLock { ring.count } }

  /// The events of an open file.
  ///
  /// - Parameter quietGeneration: the number of writers ever opened when the file was opened without waiting for
  ///   one: it does not hang up before there has been one since.
  func poll(isReader: Bool, isWriter: Bool, quietGeneration: UInt32?) -> PollEvents {
    lock.withLock {
      var events: PollEvents = []
      if isReader {
        if ring.count > 0 { events.insert([.input, .inputNormal]) }
        if writerCount == 0, quietGeneration != writersOpened { events.insert(.hangUp) }
      }
      if isWriter {
        if ring.isWritable { events.insert([.output, .outputNormal]) }
        if readerCount == 0 { events.insert(.error) }
      }
      return events
    }
  }
}
