import Core
import Machine

/// Makes other CPUs forget translations before the frames behind them are used anew, and local descriptor tables before
/// their memory is.
///
/// One shootdown at a time: the sender holds `lock` and waits until every target has answered. It waits with
/// interrupts enabled and no interrupt lock held, so two senders, or a sender and somebody who waits for its
/// other locks, cannot block each other.
enum TLBShootdown {
  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var pending = AtomicWord()
  /// What the targets do, valid while `pending` is above 0.
  nonisolated(unsafe) private static var root: PhysicalAddress = 0
  nonisolated(unsafe) private static var kind = Kind.all
  nonisolated(unsafe) private static var localTable = LocalDescriptorTable.none

  enum Kind {
    /// Drop everything, global entries included.
    case all
    /// Drop the entries of one address space, where it is loaded.
    case addressSpace
    /// Leave an address space that ends.
    case leave
    /// Load its local descriptor table anew.
    case localTable
  }

  /// The kernel's half has changed.
  static func flushKernel() {
    Interrupts.withDisabled { flushGlobal() }
    send(.all, root: 0)
  }

  /// The mappings of an address space have changed, other than by adding some.
  ///
  /// Reaches the CPUs that have it loaded now: one that loads it later sees the change.
  static func flush(root: PhysicalAddress) {
    Interrupts.withDisabled {
      if CPURecord.current.pointee.activeRoot == root { writeCR3(root) }
    }
    send(.addressSpace, root: root)
  }

  /// As above for one page.
  static func flush(root: PhysicalAddress, page: UInt64) {
    // On a CPU that has another space loaded it does no harm.
    invalidatePage(page)
    send(.addressSpace, root: root)
  }

  /// No CPU has the address space loaded afterwards.
  static func leave(root: PhysicalAddress) {
    Interrupts.withDisabled { leaveHere(root) }
    send(.leave, root: root)
  }

  /// An address space has another local descriptor table, and no CPU has the old one loaded afterwards. The caller
  /// holds the space's lock, and has stored the table for those who load the space later.
  static func loadLocalTable(_ table: LocalDescriptorTable, root: PhysicalAddress) {
    Interrupts.withDisabled { loadLocalTableHere(table, root) }
    send(.localTable, root: root, table)
  }

  private static func send(_ kind: Kind, root: PhysicalAddress, _ table: LocalDescriptorTable = .none) {
    if CPUs.count == 1 { return }
    check(Interrupts.areEnabled, "a TLB shootdown needs interrupts enabled")
    // The change of the tables is visible before the other CPUs' records are read.
    memoryFence()
    Preemption.disable()
    defer { Preemption.enable() }
    if root != 0, !isLoadedElsewhere(root) { return }
    lock.acquire()
    var others: UInt64 = 0
    for number in 0..<CPUs.count where number != Int(cpuNumber()) {
      if root == 0 || CPUs[number].pointee.activeRoot == root { others |= 1 << UInt64(number) }
    }
    if others != 0 {
      self.kind = kind
      self.root = root
      localTable = table
      pending.store(UInt32(others.nonzeroBitCount))
      for number in 0..<CPUs.count where others & (1 << UInt64(number)) != 0 {
        InterprocessorInterrupts.send(.flush, to: CPUs[number])
      }
      while pending.load() > 0 { spinHint() }
    }
    lock.release()
  }

  private static func isLoadedElsewhere(_ root: PhysicalAddress) -> Bool {
    for number in 0..<CPUs.count where number != Int(cpuNumber()) {
      if CPUs[number].pointee.activeRoot == root { return true }
    }
    return false
  }

  /// On a target, with interrupts disabled.
  static func serve() {
    switch kind {
    case .all: flushGlobal()
    case .addressSpace:
      if CPURecord.current.pointee.activeRoot == root { writeCR3(root) }
    case .leave: leaveHere(root)
    case .localTable: loadLocalTableHere(localTable, root)
    }
    pending.subtract(1)
  }

  /// Drops global entries too (Intel SDM volume 3, section 4.10.4.1).
  private static func flushGlobal() {
    let cr4 = readCR4()
    writeCR4(cr4 & ~(1 << 7))
    writeCR4(cr4)
  }

  private static func leaveHere(_ root: PhysicalAddress) {
    let cpu = CPURecord.current
    if cpu.pointee.activeRoot == root {
      cpu.pointee.activeRoot = PageTable.kernel.root
      writeCR3(PageTable.kernel.root)
      LocalDescriptorTable.none.load(on: cpu)
    }
  }

  private static func loadLocalTableHere(_ table: LocalDescriptorTable, _ root: PhysicalAddress) {
    let cpu = CPURecord.current
    guard cpu.pointee.activeRoot == root else { return }
    table.load(on: cpu)
    Segments.refreshData()
  }
}
