import Core
import Machine

/// Pages: made at the first access, copied at the first write to one that is shared.
extension AddressSpace {
  enum FaultOutcome {
    case resolved
    /// Nothing is mapped there.
    case notMapped
    /// What is mapped may not be used so.
    case denied
    /// The page lies behind the end of the file that is mapped.
    case beyondEnd
    case outOfMemory
  }

  enum Access {
    case read, write, execute
  }

  /// How many neighbouring pages of a file are mapped along with one that is read.
  private static var aroundInBytes: UInt64 { 16 * 4096 }

  /// Makes a page usable for an access, if the program may have it.
  func resolve(_ address: UInt64, _ access: Access) -> FaultOutcome {
    lock.acquire()
    defer { lock.release() }
    return resolveLocked(address, access)
  }

  func resolveLocked(_ address: UInt64, _ access: Access) -> FaultOutcome {
    guard let region = regions.find(address) else { return .notMapped }
    let needed: MemoryProtection =
      switch access {
      case .read: .read
      case .write: .write
      case .execute: .execute
      }
    // What may be written or executed may be read, as the hardware has it.
    if access == .read ? region.protection.isEmpty : !region.protection.contains(needed) { return .denied }

    let page = address & ~4095
    guard
      let entry = table.makeEntry(for: page, user: true, allocateTable: allocateTable)
    else { return .outOfMemory }
    if !entry.pointee.holdsFrame { return makePage(page, of: region, in: entry, access) }
    if access != .write || entry.pointee.flags.contains(.writable) {
      // Another thread was faster, or this CPU's TLB is behind.
      invalidatePage(page)
      return .resolved
    }
    let old = entry.pointee.frame
    if region.isShared || Frames.isExclusive(old) {
      // A page that its file has lost becomes the program's own by the first write.
      if !region.isShared { Frames.markAsOwn(old) }
      entry.pointee = PageTableEntry(frame: old, flags: Self.flags(region, mayWrite: true))
      invalidatePage(page)
      return .resolved
    }
    // Copy on write.
    guard let copy = Frames.allocateForUser() else { return .outOfMemory }
    Frames.copy(from: old, to: copy)
    entry.pointee = PageTableEntry(frame: copy, flags: Self.flags(region, mayWrite: true))
    // Other threads' CPUs may still read the old frame.
    TLBShootdown.flush(root: root, page: page)
    Frames.release(old)
    return .resolved
  }

  /// Gives a page its first frame. The lock is held.
  func makePage(
    _ page: UInt64, of region: MemoryRegion, in entry: UnsafeMutablePointer<PageTableEntry>, _ access: Access
  ) -> FaultOutcome {
    if !region.hasSource {
      guard let frame = Frames.allocateZeroedForUser() else { return .outOfMemory }
      entry.pointee = PageTableEntry(frame: frame, flags: Self.flags(region, mayWrite: true))
      residentPages &+= 1
      return .resolved
    }
    let source = region.source(ofPage: page)
    if !region.isShared, source.byteCount == 0 {
      guard let frame = Frames.allocateZeroedForUser() else { return .outOfMemory }
      entry.pointee = PageTableEntry(frame: frame, flags: Self.flags(region, mayWrite: true))
      residentPages &+= 1
      return .resolved
    }
    return PageStore.named(region.sourceID)._withUnsafeGuaranteedRef { store in
      let found: PhysicalAddress
      switch store.frame(at: source.offset >> 12) {
      case .frame(let frame): found = frame
      case .beyondEnd: return .beyondEnd
      case .outOfMemory: return .outOfMemory
      }
      if region.isShared || access != .write && source.byteCount == 4096 {
        entry.pointee = PageTableEntry(frame: found, flags: Self.flags(region, mayWrite: region.isShared))
        residentPages &+= 1
        if access != .write { mapAround(page, of: region, store) }
        return .resolved
      }
      // The program's own from the beginning.
      guard let frame = Frames.allocateForUser() else {
        Frames.release(found)
        return .outOfMemory
      }
      Frames.copy(from: found, to: frame, count: Int(source.byteCount))
      Frames.release(found)
      entry.pointee = PageTableEntry(frame: frame, flags: Self.flags(region, mayWrite: true))
      residentPages &+= 1
      return .resolved
    }
  }

  /// Maps the pages around one that a file has in memory anyhow: most are read soon. The lock is held.
  private func mapAround(_ page: UInt64, of region: MemoryRegion, _ store: PageStore) {
    // The window lies in one last-level table.
    let window = page & ~(Self.aroundInBytes - 1)
    let start = max(window, region.start)
    var end = min(window + Self.aroundInBytes, region.end)
    // The last page is not shared where only a part of it is the file's.
    if !region.isShared { end = min(end, region.start + region.sourceBytes & ~4095) }
    if start >= end { return }
    guard let entries = table.entry(for: start) else { return }
    let flags = Self.flags(region, mayWrite: region.isShared)
    let first = region.source(ofPage: start).offset >> 12
    store.forEachFrame(in: first..<first + (end - start) >> 12) { index, frame in
      let entry = entries + Int(index - first)
      if entry.pointee.holdsFrame { return }
      Frames.retain(frame)
      entry.pointee = PageTableEntry(frame: frame, flags: flags)
      residentPages &+= 1
    }
  }

  /// - Parameter mayWrite: false where the first write has to copy the frame.
  @inline(__always)
  static func flags(_ region: MemoryRegion, mayWrite: Bool) -> PageTableEntry.Flags {
    let protection = region.protection
    if protection.isEmpty { return .held }
    var flags: PageTableEntry.Flags = [.present, .user]
    if protection.contains(.write), mayWrite { flags.insert(.writable) }
    if !protection.contains(.execute), Platform.features.nx { flags.insert(.noExecute) }
    flags.insert(PageTableEntry.Flags(protectionKey: region.key))
    return flags
  }

  /// Extends the stack down to an address below it, where the limits permit it.
  ///
  /// - Parameters:
  ///   - stackLimit: how long it may become, in bytes (RLIMIT_STACK).
  ///   - limit: how many bytes may be mapped in all (RLIMIT_AS).
  func growStack(to address: UInt64, stackLimit: UInt64, limit: UInt64) -> Bool {
    lock.acquire()
    defer { lock.release() }
    if regions.find(address) != nil { return true }
    let before = regions.mappedBytes
    guard let above = regions[regions.firstIndex(endingAfter: address)], above.growsDown,
      limit >= before, above.start - (address & ~4095) <= limit - before
    else { return false }
    do throws(RegionMapError) {
      _ = try regions.growDown(to: address, maximumLength: stackLimit)
      return true
    } catch {
      return false
    }
  }

  /// Makes pages before they are touched (MAP_POPULATE, mlock(2), madvise(2)).
  ///
  /// - Parameter access: what they are made for; nil for writing where that is possible without a copy of
  ///   shared pages, and reading elsewhere.
  /// - Returns: why a page could not be made; nil where all are there.
  func populate(_ range: Range<UInt64>, _ access: Access?) -> FaultOutcome? {
    var page = range.lowerBound
    while page < range.upperBound {
      lock.acquire()
      var outcome = FaultOutcome.notMapped
      // Some at a time, so that the lock is not held for long.
      let stop = min(range.upperBound, page + 32 * 4096)
      while page < stop {
        if let access {
          // The hardware would let what may be written be read; a request to read it wants the right to.
          let isUnreadable = access == .read && regions.find(page).map { !$0.protection.contains(.read) } ?? false
          outcome = isUnreadable ? .denied : resolveLocked(page, access)
        } else if let region = regions.find(page) {
          let isWritten = region.protection.contains(.write) && !region.isShared
          let read: Access = region.protection.contains(.execute) ? .execute : .read
          outcome = resolveLocked(page, isWritten ? .write : read)
        } else {
          outcome = .notMapped
        }
        if outcome != .resolved { break }
        page += 4096
      }
      lock.release()
      if outcome == .outOfMemory, OutOfMemory.makeRoom() { continue }
      if Scheduler.current.isBeingKilled { return .outOfMemory }
      if outcome != .resolved { return outcome }
    }
    return nil
  }

  // MARK: Access from outside

  /// Writes bytes to memory of an address space that need not be loaded: for a new program's stack.
  func write(_ bytes: UnsafeRawBufferPointer, at address: UInt64) -> Bool {
    writeAsFarAsPossible(bytes, at: address) == bytes.count
  }

  /// The same up to the first byte that cannot be written. Returns how many were.
  func writeAsFarAsPossible(_ bytes: UnsafeRawBufferPointer, at address: UInt64) -> Int {
    transfer(address, count: bytes.count, .write) { memory, done, count in
      memory.copyMemory(from: bytes.baseAddress! + done, byteCount: count)
    }
  }

  /// Reads bytes of an address space that need not be loaded.
  ///
  /// - Returns: how many, up to the first that cannot be read.
  func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    transfer(address, count: buffer.count, .read) { memory, done, count in
      (buffer.baseAddress! + done).copyMemory(from: memory, byteCount: count)
    }
  }

  /// - Parameter copy: gets memory of a page, how much came before it, and a length, under the lock.
  /// - Returns: how many bytes could be reached.
  @inline(__always)
  private func transfer(
    _ address: UInt64, count: Int, _ access: Access, _ copy: (UnsafeMutableRawPointer, Int, Int) -> Void
  ) -> Int {
    lock.acquire()
    defer { lock.release() }
    var done = 0
    while done < count {
      let target = address &+ UInt64(done)
      guard target >= address, resolveLocked(target, access) == .resolved,
        let entry = table.entry(for: target & ~4095)
      else { break }
      let offset = Int(target & 4095)
      let length = min(count - done, 4096 - offset)
      copy(PhysicalMemory.pointer(to: entry.pointee.frame) + offset, done, length)
      done += length
    }
    return done
  }

  /// What is behind an address.
  enum Backing: Equatable {
    /// The process's own memory.
    case `private`
    /// A frame that other processes may map too.
    case shared(PhysicalAddress)
    /// No page yet, or nothing at all.
    case absent
  }

  /// What is behind an address, as far as it is known without making a page.
  func backing(at address: UInt64) -> Backing {
    lock.acquire()
    defer { lock.release() }
    guard let region = regions.find(address) else { return .absent }
    guard region.isShared else { return .private }
    guard let entry = table.entry(for: address & ~4095), entry.pointee.holdsFrame else { return .absent }
    return .shared(entry.pointee.frame)
  }

  /// Takes a reference to the frame that `backing` has told, so that it is not used for something else meanwhile.
  ///
  /// - Returns: false where it is not behind the address any more.
  func retainShared(_ frame: PhysicalAddress, at address: UInt64) -> Bool {
    lock.acquire()
    defer { lock.release() }
    guard let region = regions.find(address), region.isShared, let entry = table.entry(for: address & ~4095),
      entry.pointee.holdsFrame, entry.pointee.frame == frame
    else { return false }
    Frames.retain(frame)
    return true
  }
}
