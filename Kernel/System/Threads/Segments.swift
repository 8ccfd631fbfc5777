import Core
import Machine

/// DS, ES, FS and GS of programs, the bases of the last two, and the segments that threads have of their own.
///
/// A program changes them without asking: by loading a selector, which sets the base too, and by WRFSBASE and WRGSBASE
/// where the CPU has them. So what counts is what the registers hold, and they are read whenever a thread is switched
/// out. In the kernel they mean nothing, but for GS, which is swapped.
enum Segments {
  /// Whether CR4.FSGSBASE is set: the bases are read and written by instructions of their own, which are faster than
  /// the model-specific registers.
  nonisolated(unsafe) static var hasBaseInstructions = false

  /// Leaves one thread's in its record and loads another's. Interrupts are disabled; a kernel thread has none.
  @inline(__always)
  static func switchOver(from thread: ThreadPointer, to next: ThreadPointer) {
    if hasBaseInstructions {
      switchOver(from: thread, to: next, by: BaseInstructions.self)
    } else {
      switchOverByRegisters(from: thread, to: next)
    }
  }

  @inline(never)
  private static func switchOverByRegisters(from thread: ThreadPointer, to next: ThreadPointer) {
    switchOver(from: thread, to: next, by: BaseRegisters.self)
  }

  @inline(__always)
  private static func switchOver<Bases: SegmentBases>(
    from thread: ThreadPointer, to next: ThreadPointer, by bases: Bases.Type
  ) {
    let selectors = segmentSelectorsInUse()
    let fsBase = Bases.readFS()
    let gsBase = Bases.readGS()
    // Before the next thread's selectors, which may name them.
    if thread.pointee.hasOwnSegments || next.pointee.hasOwnSegments {
      DescriptorTables.load(next.pointee.ownSegments)
    }
    if thread.pointee.pageTableRoot != 0 {
      thread.pointee.segmentSelectors = selectors == 0 ? 0 : readSegmentSelectors()
      thread.pointee.fsBase = fsBase
      thread.pointee.gsBase = gsBase
    }
    guard next.pointee.pageTableRoot != 0 else { return }
    if UInt64(selectors) | next.pointee.segmentSelectors != 0 { return loadAll(next) }
    if next.pointee.fsBase != fsBase { Bases.writeFS(next.pointee.fsBase) }
    if next.pointee.gsBase != gsBase { Bases.writeGS(next.pointee.gsBase) }
  }

  /// Brings the current thread's record up to date, for whoever reads it.
  static func note(_ thread: ThreadPointer) {
    Interrupts.withDisabled {
      thread.pointee.segmentSelectors = readSegmentSelectors()
      thread.pointee.fsBase = hasBaseInstructions ? BaseInstructions.readFS() : BaseRegisters.readFS()
      thread.pointee.gsBase = hasBaseInstructions ? BaseInstructions.readGS() : BaseRegisters.readGS()
    }
  }

  /// Changes what the current thread has. In one step: a switch in between would put into the record what the registers
  /// still hold.
  @inline(__always)
  static func change(of thread: ThreadPointer, _ body: (ThreadPointer) -> Void) {
    Interrupts.withDisabled {
      note(thread)
      body(thread)
      loadAll(thread)
    }
  }

  /// Gives a thread a segment of its own, in the entry that it names (set_thread_area(2)). The thread is the current
  /// one, or frozen.
  ///
  /// A selector in use goes on with what the entry is now; where there is nothing, it becomes null.
  static func setOwn(_ segment: UserSegment, of thread: ThreadPointer) {
    Interrupts.withDisabled {
      let isCurrent = thread == Scheduler.current
      if isCurrent { note(thread) }
      thread.pointee.ownSegments.set(segment)
      thread.pointee.hasOwnSegments = !thread.pointee.ownSegments.isEmpty
      let isPresent = thread.pointee.ownSegments[segment.entryNumber] != 0
      for position in 0..<4 {
        let shift = UInt64(position) * 16
        // Whatever privilege it asks for.
        guard (thread.pointee.segmentSelectors >> shift) & 0xFFFC == UInt64(segment.entryNumber) << 3 else { continue }
        if !isPresent { thread.pointee.segmentSelectors &= ~(0xFFFF << shift) }
        let base = isPresent ? UInt64(segment.base) : 0
        if position == 2 { thread.pointee.fsBase = base }
        if position == 3 { thread.pointee.gsBase = base }
      }
      guard isCurrent else { return }
      DescriptorTables.load(thread.pointee.ownSegments)
      loadAll(thread)
    }
  }

  /// Takes them from the current thread, which has none of their selectors.
  static func removeOwn(of thread: ThreadPointer) {
    guard thread.pointee.hasOwnSegments else { return }
    Interrupts.withDisabled {
      thread.pointee.ownSegments = ThreadStorageSegments()
      thread.pointee.hasOwnSegments = false
      DescriptorTables.load(thread.pointee.ownSegments)
    }
  }

  /// Selectors first: they set the bases.
  @inline(never)
  private static func loadAll(_ thread: ThreadPointer) {
    let selectors = thread.pointee.segmentSelectors
    loadSegmentSelectors(selectors == 0 ? 0 : loadable(selectors))
    if hasBaseInstructions {
      BaseInstructions.writeFS(thread.pointee.fsBase)
      BaseInstructions.writeGS(thread.pointee.gsBase)
    } else {
      BaseRegisters.writeFS(thread.pointee.fsBase)
      BaseRegisters.writeGS(thread.pointee.gsBase)
    }
  }

  /// The selectors of which the segments can be loaded as they are now, with 0 for the others: a debugger or another
  /// thread may have seen to that. They cannot change on the way to the load, since interrupts are disabled, and a
  /// table is not changed while it is loaded (`LocalDescriptorTable`).
  private static func loadable(_ selectors: UInt64) -> UInt64 {
    var result: UInt64 = 0
    for index in 0..<UInt64(4) {
      let selector = UInt32(truncatingIfNeeded: selectors >> (index * 16) & 0xFFFF)
      if isLoadable(selector) { result |= UInt64(selector) << (index * 16) }
    }
    return result
  }

  private static func isLoadable(_ selector: UInt32) -> Bool {
    selector <= 3 || SegmentAccessRights(rawValue: readSegmentAccessRights(selector)).isReadable
  }

  /// DS and ES follow another local descriptor table at once, as on Linux; FS and GS when they are loaded next.
  /// Interrupts are disabled.
  static func refreshData() {
    let selectors = readSegmentSelectors()
    let both = loadable(selectors & 0xFFFF_FFFF)
    loadDSAndES(UInt32(both & 0xFFFF), UInt32(both >> 16))
  }

  /// Whether a program's SS can be loaded with a selector.
  static func isStack(_ selector: UInt64) -> Bool {
    SegmentAccessRights(rawValue: readSegmentAccessRights(UInt32(truncatingIfNeeded: selector & 0xFFFF))).isStack
  }

  /// Puts a selector into a frozen thread's record, where it has its place at `shift`. Without instructions for the
  /// bases it brings its segment's base along, as on Linux.
  static func setSelector(_ selector: UInt64, at shift: UInt64, of thread: ThreadPointer) {
    thread.pointee.segmentSelectors = thread.pointee.segmentSelectors & ~(0xFFFF << shift) | selector << shift
    if hasBaseInstructions || selector <= 3 { return }
    let entry = selector >> 3
    var base: UInt64 = 0
    if selector & 4 != 0 {
      base = thread.pointee.process?.sharedAddressSpace?.localSegmentBase(Int(entry)) ?? 0
    } else if let own = thread.pointee.ownSegments[UInt32(entry)] {
      base = UserSegment.base(of: own)
    }
    if shift == 32 { thread.pointee.fsBase = base }
    if shift == 48 { thread.pointee.gsBase = base }
  }

  /// Bits of FS and GS in `segmentSelectors`.
  static var fsSelector: UInt64 { 0xFFFF << 32 }
  static var gsSelector: UInt64 { 0xFFFF << 48 }
}

/// How the bases of FS and of a program's GS, which SWAPGS makes GS's, are read and written. Interrupts are disabled.
private protocol SegmentBases {
  static func readFS() -> UInt64
  static func readGS() -> UInt64
  static func writeFS(_ base: UInt64)
  static func writeGS(_ base: UInt64)
}

/// With CR4.FSGSBASE.
private enum BaseInstructions: SegmentBases {
  @inline(__always) static func readFS() -> UInt64 { readFSBase() }
  @inline(__always) static func readGS() -> UInt64 { readSwappedGSBase() }
  @inline(__always) static func writeFS(_ base: UInt64) { writeFSBase(base) }
  @inline(__always) static func writeGS(_ base: UInt64) { writeSwappedGSBase(base) }
}

/// On every CPU.
private enum BaseRegisters: SegmentBases {
  static func readFS() -> UInt64 { readMSR(MSR.fsBase) }
  static func readGS() -> UInt64 { readMSR(MSR.kernelGSBase) }
  static func writeFS(_ base: UInt64) { writeMSR(MSR.fsBase, base) }
  static func writeGS(_ base: UInt64) { writeMSR(MSR.kernelGSBase, base) }
}
