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
    case outOfMemory
  }

  enum Access {
    case read, write, execute
  }

  /// Makes a page usable for an access, if the program may have it.
  func resolve(_ address: UInt64, _ access: Access) -> FaultOutcome {
    lock.acquire()
    defer { lock.release() }
    return resolveLocked(address, access)
  }

  private func resolveLocked(_ address: UInt64, _ access: Access) -> FaultOutcome {
    var region = regions.find(address)
    if region == nil {
      do throws(RegionMapError) {
        region = try regions.growDown(to: address, maximumLength: Self.stackLimit)
      } catch {
        return .notMapped
      }
    }
    guard let region else { return .notMapped }
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
      let entry = table.makeEntry(for: page, user: true, allocateTable: Frames.allocateZeroedForUser)
    else { return .outOfMemory }
    if !entry.pointee.holdsFrame {
      guard let frame = makePage(page, of: region) else { return .outOfMemory }
      entry.pointee = PageTableEntry(frame: frame, flags: Self.flags(region.protection, mayWrite: true))
      return .resolved
    }
    if access != .write || entry.pointee.flags.contains(.writable) {
      // Another thread was faster, or this CPU's TLB is behind.
      invalidatePage(page)
      return .resolved
    }
    // Copy on write.
    let old = entry.pointee.frame
    if Frames.isExclusive(old) {
      entry.pointee = PageTableEntry(frame: old, flags: Self.flags(region.protection, mayWrite: true))
      invalidatePage(page)
      return .resolved
    }
    guard let copy = Frames.allocateForUser() else { return .outOfMemory }
    PhysicalMemory.pointer(to: copy).copyMemory(from: PhysicalMemory.pointer(to: old), byteCount: 4096)
    entry.pointee = PageTableEntry(frame: copy, flags: Self.flags(region.protection, mayWrite: true))
    // Other threads' CPUs may still read the old frame.
    TLBShootdown.flush(root: root)
    Frames.release(old)
    return .resolved
  }

  /// A frame with the first contents of a page; nil when memory is out.
  private func makePage(_ page: UInt64, of region: MemoryRegion) -> PhysicalAddress? {
    switch region.kind {
    case .anonymousPrivate, .anonymousShared:
      return Frames.allocateZeroedForUser()
    case .sourcePrivate, .sourceShared:
      guard let frame = Frames.allocateForUser() else { return nil }
      let memory = PhysicalMemory.pointer(to: frame)
      let source = region.source(ofPage: page)
      let count = RootFiles.read(
        source: region.sourceID, offset: source.offset,
        into: UnsafeMutableRawBufferPointer(start: memory, count: Int(source.byteCount)))
      (memory + count).initializeMemory(as: UInt8.self, repeating: 0, count: 4096 - count)
      return frame
    }
  }

  /// Makes every page of a region. False when memory is out.
  func populate(_ region: MemoryRegion) -> Bool {
    var page = region.start
    while page < region.end {
      guard
        let entry = table.makeEntry(for: page, user: true, allocateTable: Frames.allocateZeroedForUser),
        let frame = Frames.allocateZeroedForUser()
      else { return false }
      entry.pointee = PageTableEntry(frame: frame, flags: Self.flags(region.protection, mayWrite: true))
      page += 4096
    }
    return true
  }

  /// Writes bytes to memory of an address space that need not be loaded: for a new program's stack.
  func write(_ bytes: UnsafeRawBufferPointer, at address: UInt64) -> Bool {
    lock.acquire()
    defer { lock.release() }
    var done = 0
    while done < bytes.count {
      let target = address + UInt64(done)
      guard resolveLocked(target, .write) == .resolved, let entry = table.entry(for: target & ~4095)
      else { return false }
      let offset = Int(target & 4095)
      let count = min(bytes.count - done, 4096 - offset)
      (PhysicalMemory.pointer(to: entry.pointee.frame) + offset)
        .copyMemory(from: bytes.baseAddress! + done, byteCount: count)
      done += count
    }
    return true
  }
}
