import Core
import Machine

/// Bytes in frames of memory: what is behind a file, a memory file, and memory that processes share.
///
/// A page that was never written has no frame and reads as zeros. Reading, writing and mapping all use the
/// same frames, so that each sees what the others do. A frame has one reference of the store's and one for
/// every mapping; who copies to or from one takes another, so that no lock is held while user memory is
/// touched.
public final class PageStore: @unchecked Sendable {
  /// The largest size in bytes: a whole number of pages that offsets of 63 bits can name.
  public static var maximumSize: UInt64 { 0x7FFF_FFFF_FFFF_F000 }

  /// Guards all that follows. Inside of an address space's lock, outside of the heap's and the frames'.
  var lock = SpinLock()
  var tree = PageTree()
  var storedSize: UInt64
  /// What bounds its pages together with those of other stores; nil for memory alone.
  let budget: PageBudget?
  /// The address spaces that map it.
  unowned(unsafe) var firstMapping: StoreMapping?
  /// How many of them have, or may give themselves, the right to write to it through shared memory.
  private var sharedWriterCount = 0
  /// Whether none may get it any more (F_SEAL_WRITE).
  private var refusesSharedWriters = false

  /// Held by whoever takes pages out of mappings; guards the visits to them.
  nonisolated(unsafe) static var unmapping: Mutex?
  nonisolated(unsafe) static var lastVisit: UInt64 = 0

  /// - Parameter size: in bytes, at most `maximumSize`; all zeros.
  public init(size: UInt64 = 0) {
    storedSize = size
    budget = nil
  }

  init(budget: PageBudget?) {
    storedSize = 0
    self.budget = budget
  }

  deinit { removePages(0..<PageTree.limit) }

  /// The size in bytes. Another thread may change it at any time.
  public var size: UInt64 { storedSize }

  /// How many pages have a frame.
  public var residentPages: Int { lock.withLock { tree.count } }

  // MARK: Reading

  /// Copies bytes into kernel memory.
  ///
  /// - Returns: how many: fewer than the buffer has room for at the end.
  public func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    return transferOut(at: offset, count: buffer.count) { source, done, count in
      (base + done).copyMemory(from: source, byteCount: count)
      return count
    }
  }

  /// Copies bytes into user memory.
  ///
  /// - Returns: how many: fewer than `count` at the end, and where part of the user memory cannot be written.
  /// - Throws: EFAULT where none of it can.
  public func copyOut(at offset: UInt64, to address: UInt64, count: Int) throws(Errno) -> Int {
    let copied = transferOut(at: offset, count: count) { source, done, count in
      UserMemory.copyOutAsFarAsPossible(source, to: address &+ UInt64(done), count: count)
    }
    if copied == 0, count > 0, offset < size { throw .badAddress }
    return copied
  }

  /// - Parameter copy: gets a source, how much has been copied before, and a length; returns how much of that
  ///   it has copied.
  @inline(__always)
  private func transferOut(
    at offset: UInt64, count: Int, _ copy: (UnsafeRawPointer, Int, Int) -> Int
  ) -> Int {
    var done = 0
    while done < count {
      let position = offset &+ UInt64(done)
      let inPage = Int(position & 4095)
      lock.acquire()
      // Each page anew: the store may shrink meanwhile.
      let available = position < storedSize && position >= offset ? storedSize &- position : 0
      let frame = available == 0 ? 0 : tree.value(at: position >> 12)
      if frame != 0 { Frames.retain(frame) }
      lock.release()
      let length = Int(min(UInt64(min(count - done, 4096 - inPage)), available))
      if length == 0 { break }
      let source = frame == 0 ? Frames.zeros : UnsafeRawPointer(PhysicalMemory.pointer(to: frame))
      let copied = copy(source + inPage, done, length)
      if frame != 0 { Frames.release(frame) }
      done += copied
      if copied < length { break }
    }
    return done
  }

  // MARK: Writing

  /// Copies bytes from kernel memory, and makes the store longer where they end beyond its end.
  ///
  /// - Returns: how many: fewer where memory is out, or at `maximumSize`.
  /// - Throws: ENOSPC where not one byte could be written for want of memory, EFBIG at `maximumSize`.
  public func write(at offset: UInt64, from bytes: UnsafeRawBufferPointer) throws(Errno) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    return try transferIn(at: offset, count: bytes.count) { target, done, count in
      target.copyMemory(from: base + done, byteCount: count)
      return count
    }
  }

  /// Copies bytes from user memory, as `write`.
  ///
  /// - Throws: also EFAULT, where none of the user memory can be read.
  public func copyIn(at offset: UInt64, from address: UInt64, count: Int) throws(Errno) -> Int {
    let copied = try transferIn(at: offset, count: count) { target, done, count in
      UserMemory.copyInAsFarAsPossible(target, from: address &+ UInt64(done), count: count)
    }
    if copied == 0, count > 0 { throw .badAddress }
    return copied
  }

  /// - Parameter copy: gets a target, how much has been copied before, and a length; returns how much of that
  ///   it has copied.
  @inline(__always)
  private func transferIn(
    at offset: UInt64, count: Int, _ copy: (UnsafeMutableRawPointer, Int, Int) -> Int
  ) throws(Errno) -> Int {
    if count <= 0 { return 0 }
    guard offset < Self.maximumSize else { throw .fileTooLarge }
    let total = Int(min(UInt64(count), Self.maximumSize - offset))
    var done = 0
    while done < total {
      let position = offset + UInt64(done)
      let inPage = Int(position & 4095)
      let length = min(total - done, 4096 - inPage)
      var frame = retainedFrame(ofPage: position >> 12)
      let isNew = frame == 0
      if !isNew { Frames.markAsStored(frame) }
      if isNew {
        guard let fresh = Frames.allocateForFile() else {
          if done > 0 { break }
          throw .noSpace
        }
        frame = fresh
        Self.clear(frame, 0..<inPage)
        Self.clear(frame, inPage + length..<4096)
      }
      let copied = copy(PhysicalMemory.pointer(to: frame) + inPage, done, length)
      if isNew, copied > 0 {
        if copied < length { Self.clear(frame, inPage + copied..<inPage + length) }
        if !insert(frame, atPage: position >> 12, written: inPage..<inPage + copied) {
          Frames.release(frame)
          if done > 0 { break }
          throw .noSpace
        }
      }
      Frames.release(frame)
      if copied > 0 { extend(from: position, to: position + UInt64(copied)) }
      done += copied
      if copied < length { break }
    }
    return done
  }

  /// The frame of a page with a reference for the caller, or 0.
  private func retainedFrame(ofPage page: UInt64) -> PhysicalAddress {
    lock.acquire()
    let frame = tree.value(at: page)
    if frame != 0 { Frames.retain(frame) }
    lock.release()
    return frame
  }

  /// Makes a frame the one of a page, with a reference of the store's.
  ///
  /// - Parameters:
  ///   - written: the bytes that are copied where another thread was faster.
  ///   - isReserved: whether the page is made ahead of its use.
  /// - Returns: false when memory is out.
  private func insert(
    _ frame: PhysicalAddress, atPage page: UInt64, written: Range<Int>, isReserved: Bool = false
  ) -> Bool {
    lock.acquire()
    defer { lock.release() }
    let present = tree.value(at: page)
    if present != 0 {
      (PhysicalMemory.pointer(to: present) + written.lowerBound)
        .copyMemory(from: PhysicalMemory.pointer(to: frame) + written.lowerBound, byteCount: written.count)
      return true
    }
    guard insertLocked(frame, atPage: page) else { return false }
    if isReserved { Frames.markAsReserved(frame) }
    Frames.retain(frame)
    return true
  }

  /// Puts a frame into the tree, which takes over a reference to it. The lock is held.
  func insertLocked(_ frame: PhysicalAddress, atPage page: UInt64) -> Bool {
    if let budget, !budget.take() { return false }
    let isInserted = tree.insert(frame, at: page) {
      guard Frames.freeCount > Frames.reserve else { return nil }
      return KernelHeap.allocate(size: PageTree.nodeSizeInBytes, alignment: 8)
    }
    if isInserted { Frames.markAsStored(frame) } else { budget?.giveBack() }
    return isInserted
  }

  /// Makes the store at least `end` bytes long; what lies between its end and `start` becomes zeros.
  private func extend(from start: UInt64, to end: UInt64) {
    if end <= storedSize { return }
    lock.acquire()
    if end > storedSize {
      // A mapping may have written behind the end.
      if start > storedSize { clearPage(from: storedSize, upTo: start) }
      storedSize = end
    }
    lock.release()
  }

  // MARK: Size and holes

  /// Cuts the store off or extends it by zeros (ftruncate(2)). Pages beyond the end leave the programs that
  /// map them; an access there is a SIGBUS from then on.
  ///
  /// - Throws: EFBIG.
  public func truncate(to size: UInt64) throws(Errno) {
    guard size <= Self.maximumSize else { throw .fileTooLarge }
    lock.acquire()
    let old = storedSize
    storedSize = size
    if size <= old {
      // Also what was allocated behind an end that stays.
      removePages((size + 4095) >> 12..<PageTree.limit)
      clearPage(from: size, upTo: .max)
    } else {
      clearPage(from: old, upTo: size)
    }
    lock.release()
    if size < old { unmap((size + 4095) >> 12..<PageTree.limit) }
  }

  /// Makes a range of bytes zeros, and gives back the frames of its whole pages, also behind the end (fallocate(2),
  /// FALLOC_FL_PUNCH_HOLE). The size stays, and so does what programs have written into private mappings.
  public func punchHole(_ range: Range<UInt64>) {
    if range.isEmpty { return }
    lock.acquire()
    let pages = (range.lowerBound &+ 4095) >> 12..<max(range.upperBound >> 12, (range.lowerBound &+ 4095) >> 12)
    removePages(pages)
    clearPage(from: range.lowerBound, upTo: range.upperBound)
    if range.upperBound >> 12 != range.lowerBound >> 12 {
      clearPage(from: range.upperBound & ~4095, upTo: range.upperBound)
    }
    lock.release()
    if !pages.isEmpty { unmap(pages, keepsCopies: true) }
  }

  /// Gives every page of a range a frame (fallocate(2)). Nobody writes to the store meanwhile, but through mappings.
  ///
  /// - Parameter extends: whether the size becomes at least the range's end.
  /// - Throws: EFBIG; ENOSPC when memory is out. Of the range's pages those stay then that were there before, or are in
  ///   use by now.
  public func allocate(_ range: Range<UInt64>, extends: Bool) throws(Errno) {
    guard range.upperBound <= Self.maximumSize else { throw .fileTooLarge }
    if range.isEmpty { return }
    let pages = range.lowerBound >> 12...(range.upperBound - 1) >> 12
    // What cannot be had as a whole is not begun: it would take what there is first.
    let wanted = pages.upperBound - pages.lowerBound + 1
    let missing = wanted - min(wanted, UInt64(residentPages))
    guard missing <= Frames.freeForFiles, missing <= budget?.rest ?? .max else { throw .noSpace }
    for page in pages {
      let present = retainedFrame(ofPage: page)
      if present != 0 {
        // Also where an earlier call has made it ahead of its use.
        Frames.markAsStored(present)
        Frames.release(present)
        continue
      }
      var isInserted = false
      if let frame = Frames.allocateForFile() {
        Frames.clear(frame)
        isInserted = insert(frame, atPage: page, written: 0..<0, isReserved: true)
        Frames.release(frame)
      }
      if !isInserted {
        removeReserved(range.lowerBound >> 12..<page)
        throw .noSpace
      }
    }
    if extends { extend(from: range.upperBound, to: range.upperBound) }
  }

  /// Takes the pages out that have been made ahead of their use: nobody maps them.
  private func removeReserved(_ pages: Range<UInt64>) {
    var page = pages.lowerBound
    while true {
      lock.acquire()
      let found = tree.firstPage(from: page) ?? .max
      if found < pages.upperBound, Frames.isReserved(tree.value(at: found)) { removePages(found..<found + 1) }
      lock.release()
      if found >= pages.upperBound { return }
      page = found + 1
    }
  }

  /// The first byte from an offset on that lies in a page with a frame (lseek(2), SEEK_DATA); nil where only
  /// zeros follow.
  public func nextData(from offset: UInt64) -> UInt64? {
    lock.withLock {
      guard offset < storedSize, let page = tree.firstPage(from: offset >> 12), page << 12 < storedSize else {
        return nil
      }
      return max(offset, page << 12)
    }
  }

  /// The first byte from an offset on that lies in a page without a frame, or the size (lseek(2), SEEK_HOLE).
  public func nextHole(from offset: UInt64) -> UInt64 {
    lock.withLock {
      var page = offset >> 12
      while page << 12 < storedSize, tree.value(at: page) != 0 { page += 1 }
      return min(max(offset, page << 12), storedSize)
    }
  }

  /// Takes pages out. The lock is held, or nobody else knows the store.
  private func removePages(_ pages: Range<UInt64>) {
    tree.remove(pages) { _, frame in
      Frames.release(frame)
      budget?.giveBack()
    } free: { node in
      KernelHeap.deallocate(node)
    }
  }

  /// Clears what an offset's page has from there up to `end`. The lock is held.
  private func clearPage(from offset: UInt64, upTo end: UInt64) {
    let start = Int(offset & 4095)
    let frame = tree.value(at: offset >> 12)
    if frame == 0 || start == 0 && end == .max { return }
    Self.clear(frame, start..<Int(min(4096, end &- (offset & ~4095))))
  }

  private static func clear(_ frame: PhysicalAddress, _ bytes: Range<Int>) {
    if bytes.isEmpty { return }
    (PhysicalMemory.pointer(to: frame) + bytes.lowerBound)
      .initializeMemory(as: UInt8.self, repeating: 0, count: bytes.count)
  }

  // MARK: Mapping

  /// Has nobody write through shared memory from now on, for good.
  ///
  /// - Returns: false where somebody can already.
  func refuseSharedWrites() -> Bool {
    lock.withLock {
      if sharedWriterCount > 0 { return false }
      refusesSharedWriters = true
      return true
    }
  }

  /// Counts one more who can write through shared memory.
  ///
  /// - Returns: false where that is refused.
  func addSharedWriter() -> Bool {
    lock.withLock {
      if refusesSharedWriters { return false }
      sharedWriterCount += 1
      return true
    }
  }

  func removeSharedWriter() { lock.withLock { sharedWriterCount -= 1 } }

  /// What a page fault finds.
  public enum MappedPage {
    /// The page's frame, with a reference for the mapping.
    case frame(PhysicalAddress)
    /// The page lies behind the end: SIGBUS.
    case beyondEnd
    case outOfMemory
  }

  /// The frame of a page for a mapping, made where there is none yet.
  ///
  /// - Parameter index: the page's number in the store.
  public func frame(at index: UInt64) -> MappedPage {
    lock.acquire()
    defer { lock.release() }
    guard index < (storedSize &+ 4095) >> 12 else { return .beyondEnd }
    let present = tree.value(at: index)
    if present != 0 {
      Frames.retain(present)
      Frames.markAsStored(present)
      return .frame(present)
    }
    // As on Linux a file system that is full makes it a SIGBUS.
    if let budget, budget.isSpent { return .beyondEnd }
    guard let frame = Frames.allocateZeroedForUser() else { return .outOfMemory }
    guard insertLocked(frame, atPage: index) else {
      Frames.release(frame)
      return .outOfMemory
    }
    Frames.retain(frame)
    return .frame(frame)
  }

  /// Whether a page has a frame.
  func isResident(_ index: UInt64) -> Bool { lock.withLock { tree.value(at: index) != 0 } }

  /// Calls `body`, which maps them, with the frames that pages of a range have, without a reference, under the lock.
  @inline(__always)
  func forEachFrame(in pages: Range<UInt64>, _ body: (UInt64, PhysicalAddress) -> Void) {
    lock.acquire()
    let end = min(pages.upperBound, (storedSize &+ 4095) >> 12)
    var page = pages.lowerBound
    while page < end {
      let frame = tree.value(at: page)
      if frame != 0 {
        Frames.markAsStored(frame)
        body(page, frame)
      }
      page &+= 1
    }
    lock.release()
  }
}
