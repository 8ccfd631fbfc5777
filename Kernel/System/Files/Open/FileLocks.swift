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

  /// Somebody who waits, for the search for a deadlock: what he owns, and who is in his way.
  private struct Wait {
    var owner: UInt64
    var blocker: UInt64
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
  nonisolated(unsafe) private static var storedWaits: [Wait]?
  private static var waits: [Wait] {
    get { storedWaits ?? [] }
    _modify {
      if storedWaits == nil { storedWaits = [] }
      yield &storedWaits!
    }
  }
  nonisolated(unsafe) private static var changes = AtomicWord()
  nonisolated(unsafe) private static var storedChanged: WaitQueue?

  /// Locks on one file, and files with locks: what the arrays of them take stays a matter of some pages.
  private static var recordLimit: Int { 1024 }
  private static var itemLimit: Int { 4096 }

  /// While the machine comes up.
  static func initialize() { storedChanged = WaitQueue() }

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
    while true {
      let before = changes.load()
      let outcome: Outcome = lock.withLock { trySet(wanted, on: node, family, mayWait: mayWait) }
      switch outcome {
      case .done: return
      case .refused(let error): throw error
      case .wait:
        let result = storedChanged!.wait { changes.load() != before }
        lock.withLock { endWait(wanted.owner, on: node) }
        if result == .interrupted { throw .restart }
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
    let item = item(of: node)
    let conflict = family == .whole ? item.whole.conflict(with: wanted) : item.records.conflict(with: wanted)
    if let conflict {
      defer { dropIfUnused(item) }
      guard mayWait else { return .refused(.tryAgain) }
      if family == .process, leads(from: conflict.owner, to: wanted.owner) { return .refused(.deadlock) }
      item.waiters += 1
      Self.waits.append(Wait(owner: wanted.owner, blocker: family == .process ? conflict.owner : 0))
      return .wait
    }
    guard item.records.records.count + item.whole.records.count < recordLimit,
      items.count <= itemLimit, Frames.freeCount > Frames.reserve * 2
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
    for _ in 0...waits.count {
      if owner == last { return true }
      guard let wait = waits.first(where: { $0.owner == owner && $0.blocker != 0 }) else { return false }
      owner = wait.blocker
    }
    return false
  }

  private static func endWait(_ owner: UInt64, on node: FileNode) {
    if let index = waits.firstIndex(where: { $0.owner == owner }) { waits.remove(at: index) }
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
  static func unlock(owner: UInt64, on node: FileNode, _ family: RecordLocks.Family, start: Int64 = 0, last: Int64 = .max) {
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

  private static func item(of node: FileNode) -> Item {
    if let item = items.first(where: { $0.node === node }) { return item }
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
