import Core
import Machine

/// The advisory locks on files: record locks of processes and of open files (fcntl(2)), and whole-file locks
/// (flock(2)).
///
/// They are few: one list for all files, under one lock.
enum FileLocks {
  /// The locks on one file. Lives while there are some, or somebody waits for one.
  private final class Item {
    let node: FileNode
    var records = RecordLocks()
    /// flock's: of the whole file, with an open file as the owner.
    var whole = RecordLocks()
    var waiters = 0

    init(_ node: FileNode) { self.node = node }

    var isUnused: Bool { records.isEmpty && whole.isEmpty && waiters == 0 }

    /// Its locks one after the other; nil behind the last.
    subscript(index: Int) -> Entry? {
      let ranges = records.records
      if index < ranges.count {
        return Entry(node: node, record: ranges[index], family: ranges[index].process < 0 ? .openFile : .process)
      }
      let rest = index - ranges.count
      return rest < whole.records.count ? Entry(node: node, record: whole.records[rest], family: .whole) : nil
    }
  }

  /// A thread that waits for a record lock of its process, for the search for a deadlock. Who is in its way is
  /// looked up then: locks come and go before the thread runs again.
  private struct Wait {
    let thread: ThreadPointer
    let wanted: RecordLocks.Record
    let item: Item
  }

  /// Guards all that follows.
  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var storedItems: [Item]?
  private static var items: [Item] {
    get { storedItems ?? [] }
    _modify {
      if storedItems == nil { storedItems = [] }
      yield &storedItems!
    }
  }
  nonisolated(unsafe) private static var waits: HeapArray<Wait>?
  nonisolated(unsafe) private static var changes = AtomicWord()
  nonisolated(unsafe) private static var storedChanged: WaitQueue?

  /// Locks on one file, and files with locks: what the arrays of them take stays a matter of some pages.
  private static var recordLimit: Int { 1024 }
  private static var itemLimit: Int { 4096 }
  /// How many waits the search for a deadlock follows, as on Linux.
  private static var searchLimit: Int { 11 }

  /// While the machine comes up.
  static func initialize() {
    storedChanged = WaitQueue()
    waits = HeapArray()
  }

  /// The owner of a process's record locks: what shares descriptors shares these.
  static func owner(_ table: DescriptorTable) -> UInt64 {
    UInt64(UInt(bitPattern: Unmanaged.passUnretained(table).toOpaque()))
  }

  /// The owner of an open file's locks.
  static func owner(_ file: OpenFile) -> UInt64 {
    UInt64(UInt(bitPattern: Unmanaged.passUnretained(file).toOpaque()))
  }

  /// Locks a range.
  ///
  /// - Throws: EAGAIN where another lock is in the way and the call does not wait; EDEADLK, ENOLCK; where a signal
  ///   ends the wait, to be restarted.
  static func set(
    _ wanted: RecordLocks.Record, on node: FileNode, _ family: RecordLocks.Family, waits mayWait: Bool
  ) throws(Errno) {
    var isWaiting = false
    while true {
      let before = changes.load()
      let outcome: Outcome = lock.withLock {
        // In one step with the next look: in between nobody would find who waits for whom.
        if isWaiting { endWait(on: node) }
        return trySet(wanted, on: node, family, mayWait: mayWait)
      }
      switch outcome {
      case .done: return
      case .refused(let error): throw error
      case .wait:
        isWaiting = true
        guard storedChanged!.wait({ changes.load() != before }) != .interrupted else {
          lock.withLock { endWait(on: node) }
          throw .restart
        }
      }
    }
  }

  private enum Outcome {
    case done
    case refused(Errno)
    case wait
  }

  private static func trySet(
    _ wanted: RecordLocks.Record, on node: FileNode, _ family: RecordLocks.Family, mayWait: Bool
  ) -> Outcome {
    guard let item = item(of: node) else { return .refused(.noLocks) }
    // Another kind takes the place of the one that an open file has: that goes at once, whoever comes in between.
    if family == .whole, !item.whole.has(wanted.kind, owner: wanted.owner),
      item.whole.unlockAll(owner: wanted.owner)
    {
      tellChange()
    }
    let conflict = family == .whole ? item.whole.conflict(with: wanted) : item.records.conflict(with: wanted)
    if let conflict {
      defer { dropIfUnused(item) }
      guard mayWait else { return .refused(.tryAgain) }
      if family == .process {
        if leads(from: conflict.owner, to: wanted.owner) { return .refused(.deadlock) }
        guard waits!.makeRoom() else { return .refused(.noLocks) }
        waits!.append(Wait(thread: Scheduler.current, wanted: wanted, item: item))
      }
      item.waiters += 1
      return .wait
    }
    guard item.records.records.count + item.whole.records.count < recordLimit,
      Frames.freeCount > Frames.reserve * 2
    else {
      dropIfUnused(item)
      return .refused(.noLocks)
    }
    if family == .whole { item.whole.set(wanted) } else { item.records.set(wanted) }
    // A lock may have become weaker.
    tellChange()
    return .done
  }

  /// Whether an owner waits, over others, for another one.
  private static func leads(from first: UInt64, to last: UInt64) -> Bool {
    var owner = first
    for _ in 0..<searchLimit {
      guard let next = blocker(of: owner) else { return false }
      if next == last { return true }
      owner = next
    }
    return false
  }

  /// Who is in the way of an owner that waits, of several threads' ways in that of the first to wait.
  private static func blocker(of owner: UInt64) -> UInt64? {
    for index in 0..<waits!.count where waits![index].wanted.owner == owner {
      if let conflict = waits![index].item.records.conflict(with: waits![index].wanted) { return conflict.owner }
    }
    return nil
  }

  /// The current thread does not wait any more.
  private static func endWait(on node: FileNode) {
    let thread = Scheduler.current
    for index in 0..<waits!.count where waits![index].thread == thread {
      _ = waits!.remove(at: index)
      break
    }
    if let item = items.first(where: { $0.node === node }) {
      item.waiters -= 1
      dropIfUnused(item)
    }
  }

  /// The lock that stands in the way of one (F_GETLK).
  static func conflict(with wanted: RecordLocks.Record, on node: FileNode) -> RecordLocks.Record? {
    lock.withLock { items.first { $0.node === node }?.records.conflict(with: wanted) }
  }

  /// Takes locks of a range away, as fcntl(2) asks.
  ///
  /// - Throws: ENOLCK where what is left of them on both sides would be too many.
  static func unlockRange(
    owner: UInt64, on node: FileNode, _ family: RecordLocks.Family, start: Int64, last: Int64
  ) throws(Errno) {
    let isFull = lock.withLock {
      items.first { $0.node === node }.map { $0.records.records.count >= recordLimit } ?? false
    }
    if isFull, start > 0, last < .max { throw .noLocks }
    unlock(owner: owner, on: node, family, start: start, last: last)
  }

  /// Takes locks of a range away.
  static func unlock(
    owner: UInt64, on node: FileNode, _ family: RecordLocks.Family, start: Int64 = 0, last: Int64 = .max
  ) {
    lock.withLock {
      guard let item = items.first(where: { $0.node === node }) else { return }
      let changed =
        family == .whole
        ? item.whole.unlock(owner: owner, start: start, last: last)
        : item.records.unlock(owner: owner, start: start, last: last)
      if changed { tellChange() }
      dropIfUnused(item)
    }
  }

  /// A process closes a descriptor of a file: all of its record locks there end, whoever they were made by.
  static func releaseRecordLocks(of table: DescriptorTable, on node: FileNode) {
    unlock(owner: owner(table), on: node, .process)
  }

  /// An open file ends, and its locks do.
  static func releaseLocks(of file: OpenFile) {
    let owner = owner(file)
    unlock(owner: owner, on: file.node, .openFile)
    unlock(owner: owner, on: file.node, .whole)
  }

  /// A lock and the file that it is on.
  struct Entry {
    let node: FileNode
    let record: RecordLocks.Record
    let family: RecordLocks.Family
  }

  /// Calls `body` with each lock, and with no lock of the kernel's held. Of what changes meanwhile it may miss some.
  static func forEach(_ body: (Entry) -> Void) {
    var file = 0
    var index = 0
    while true {
      var isFile = false
      let entry: Entry? = lock.withLock {
        guard file < items.count else { return nil }
        isFile = true
        return items[file][index]
      }
      if let entry {
        body(entry)
        index += 1
      } else if isFile {
        file += 1
        index = 0
      } else {
        return
      }
    }
  }

  /// - Returns: nil where there are too many, or memory is out.
  private static func item(of node: FileNode) -> Item? {
    if let item = items.first(where: { $0.node === node }) { return item }
    guard items.count < itemLimit, Frames.freeCount > Frames.reserve * 2 else { return nil }
    let item = Item(node)
    items.append(item)
    return item
  }

  /// The node may end with its item: it holds no lock and nobody waits, so that nothing else happens then.
  private static func dropIfUnused(_ item: Item) {
    guard item.isUnused, let index = items.firstIndex(where: { $0 === item }) else { return }
    items.remove(at: index)
  }

  private static func tellChange() {
    changes.add(1)
    storedChanged!.wake()
  }
}
