import Core
import Machine

/// Memory as a debugger has it (ptrace(2), /proc/PID/mem): what the program itself may not write or even read is
/// reached all the same, and a write to a page that is not the program's own gives it a copy.
extension AddressSpace {
  /// - Returns: how many bytes were read, up to the first where nothing is mapped.
  func readForDebugger(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    transferForDebugger(address, count: buffer.count, isWrite: false) { memory, done, count in
      (buffer.baseAddress! + done).copyMemory(from: memory, byteCount: count)
    }
  }

  /// - Returns: how many bytes were written.
  func writeForDebugger(_ bytes: UnsafeRawBufferPointer, at address: UInt64) -> Int {
    transferForDebugger(address, count: bytes.count, isWrite: true) { memory, done, count in
      memory.copyMemory(from: bytes.baseAddress! + done, byteCount: count)
    }
  }

  private func transferForDebugger(
    _ address: UInt64, count: Int, isWrite: Bool, _ copy: (UnsafeMutableRawPointer, Int, Int) -> Void
  ) -> Int {
    var done = 0
    // A page at a time: what is locked is not locked for long.
    while done < count {
      let target = address &+ UInt64(done)
      guard target >= address, target < UserMemory.limit else { break }
      let offset = Int(target & 4095)
      let length = min(count - done, 4096 - offset)
      var outcome = FaultOutcome.notMapped
      lock.withLock {
        outcome = resolveForDebugger(target, isWrite: isWrite)
        guard outcome == .resolved, let entry = table.entry(for: target & ~4095) else { return }
        copy(PhysicalMemory.pointer(to: entry.pointee.frame) + offset, done, length)
      }
      if outcome == .outOfMemory, OutOfMemory.makeRoom() { continue }
      guard outcome == .resolved else { break }
      done += length
    }
    return done
  }

  /// Makes a page and, to be written to, makes it the program's own. The lock is held.
  private func resolveForDebugger(_ address: UInt64, isWrite: Bool) -> FaultOutcome {
    guard let region = regions.find(address) else { return .notMapped }
    // What others see too is written where the program itself may.
    if isWrite, region.isShared, !region.protection.contains(.write) { return .denied }
    let page = address & ~4095
    guard let entry = table.makeEntry(for: page, user: true, allocateTable: allocateTable) else {
      return .outOfMemory
    }
    if !entry.pointee.holdsFrame {
      let outcome = makePage(page, of: region, in: entry, isWrite ? .write : .read)
      if outcome != .resolved || !isWrite { return outcome }
    }
    guard isWrite, !region.isShared else { return .resolved }
    let old = entry.pointee.frame
    if Frames.isExclusive(old) { return .resolved }
    guard let copy = Frames.allocateForUser() else { return .outOfMemory }
    Frames.copy(from: old, to: copy)
    entry.pointee = PageTableEntry(frame: copy, flags: Self.flags(region, mayWrite: true))
    TLBShootdown.flush(root: root, page: page)
    Frames.release(old)
    return .resolved
  }
}
