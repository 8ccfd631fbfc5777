import Core
import Machine

/// The pages of a pipe's ring, and its size (fcntl(2), F_SETPIPE_SZ).
extension Pipe {
  /// The lock is held.
  func makePacketMemory() -> Errno? {
    guard let memory = Self.allocateMarks(for: ring.capacity) else { return .outOfMemory }
    _ = ring.setPacketMemory(memory)
    return nil
  }

  /// F_SETPIPE_SZ
  ///
  /// - Returns: the size that it has now.
  func resize(_ size: UInt32) throws(Errno) -> Int {
    guard let capacity = PipeRing.capacity(forSize: size) else { throw .invalid }
    guard capacity <= PipeRing.largestCapacity else { throw .notPermitted }
    guard let newPages = Self.allocatePages(for: capacity) else { throw .outOfMemory }
    let wereEnabled = lock.acquire()
    do throws(Errno) { try claim() } catch {
      lock.release(wereEnabled)
      KernelHeap.deallocate(newPages)
      throw error
    }
    lock.release(wereEnabled)
    // Nobody else touches ring or pages now, but to look.
    let outcome = replaceBuffer(newPages, capacity)
    _ = lock.acquire()
    unclaimReading()
    unclaimWriting()
    wakeWhoCanGoOn()
    lock.release(wereEnabled)
    if let outcome {
      KernelHeap.deallocate(newPages)
      throw outcome
    }
    watchers.notify([.output, .outputNormal])
    return capacity
  }

  private func replaceBuffer(
    _ newPages: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ capacity: Int
  ) -> Errno? {
    guard ring.fits(capacity) else { return .busy }
    var marks: UnsafeMutablePointer<PipeRing.Packet>?
    if ring.hasPacketMemory {
      marks = Self.allocateMarks(for: capacity)
      if marks == nil { return .outOfMemory }
    }
    if let failure = moveBytes(to: newPages, capacity) {
      Self.freePages(newPages, PipeRing(capacity: capacity))
      if let marks { KernelHeap.deallocate(marks) }
      return failure
    }
    freePages()
    let oldPages = pages
    var oldMarks: UnsafeMutablePointer<PipeRing.Packet>?
    lock.withLock {
      pages = newPages
      oldMarks = ring.resize(to: capacity, packetMemory: marks)
    }
    KernelHeap.deallocate(oldPages)
    if let oldMarks { KernelHeap.deallocate(oldMarks) }
    return nil
  }

  private func moveBytes(
    to newPages: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ capacity: Int
  ) -> Errno? {
    var moved = 0
    while moved < ring.count {
      let place = ring.place(of: ring.head &+ UInt64(moved))
      let target = moved & (PipeRing.pageSize - 1)
      let portion = min(min(place.count, ring.count - moved), PipeRing.pageSize - target)
      let number = moved / PipeRing.pageSize
      if newPages[number] == nil {
        guard let frame = Frames.allocateForUser() else { return .outOfMemory }
        newPages[number] = PhysicalMemory.pointer(to: frame)
      }
      (newPages[number]! + target).copyMemory(from: pages[place.page]! + place.offset, byteCount: portion)
      moved += portion
    }
    return nil
  }

  static func allocatePages(for capacity: Int) -> UnsafeMutablePointer<UnsafeMutableRawPointer?>? {
    let count = capacity / PipeRing.pageSize
    guard
      let memory = KernelHeap.allocate(
        size: count * MemoryLayout<UnsafeMutableRawPointer?>.stride, alignment: 8)
    else { return nil }
    let pages = memory.bindMemory(to: UnsafeMutableRawPointer?.self, capacity: count)
    pages.initialize(repeating: nil, count: count)
    return pages
  }

  private static func allocateMarks(for capacity: Int) -> UnsafeMutablePointer<PipeRing.Packet>? {
    let count = capacity / PipeRing.pageSize
    return KernelHeap.allocate(size: count * MemoryLayout<PipeRing.Packet>.stride, alignment: 8)?
      .bindMemory(to: PipeRing.Packet.self, capacity: count)
  }

  private static func freePages(_ pages: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ ring: PipeRing) {
    for number in 0..<ring.packetLimit {
      if let page = pages[number] { Frames.release(PhysicalMemory.address(of: page)) }
      pages[number] = nil
    }
  }

  func freePages() { Self.freePages(pages, ring) }

  /// Gives the pages back, unless somebody has opened the pipe again meanwhile, as a FIFO may be.
  func freeUnusedPages() {
    let wereEnabled = lock.acquire()
    let isUnused = readerCount == 0 && writerCount == 0 && !isBeingRead && !isBeingWritten
    if isUnused {
      isBeingRead = true
      isBeingWritten = true
    }
    lock.release(wereEnabled)
    guard isUnused else { return }
    freePages()
    _ = lock.acquire()
    unclaimReading()
    unclaimWriting()
    lock.release(wereEnabled)
  }
}
