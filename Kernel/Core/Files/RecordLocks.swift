/// The locks on ranges of one file's bytes (fcntl(2), "Advisory record locking").
///
/// An owner is any number but 0: a process for the traditional locks, an open file for those of open file
/// descriptions. The ranges of one owner neither overlap nor, where they are of one kind, touch.
public struct RecordLocks {
  public enum Kind: Sendable, Equatable {
    /// F_RDLCK: others may read, too.
    case shared
    /// F_WRLCK
    case exclusive
  }

  /// Whose locks stand in each other's way, and what an owner is.
  public enum Family: Sendable {
    /// Of a process: POSIX's. Only these are searched for deadlocks.
    case process
    /// Of an open file (F_OFD_SETLK).
    case openFile
    /// flock(2)'s, of the whole file.
    case whole
  }

  public struct Record: Equatable, Sendable {
    public var owner: UInt64
    /// The process that F_GETLK names; -1 for a lock of an open file.
    public var process: Int32
    public var kind: Kind
    /// The first byte.
    public var start: Int64
    /// The last byte; `Int64.max` for all that may ever follow.
    public var last: Int64

    public init(owner: UInt64, process: Int32, kind: Kind, start: Int64, last: Int64) {
      self.owner = owner
      self.process = process
      self.kind = kind
      self.start = start
      self.last = last
    }

    func overlaps(_ other: Record) -> Bool { start <= other.last && other.start <= last }
  }

  /// In no order.
  public private(set) var records: [Record] = []

  public init() {}

  public var isEmpty: Bool { records.isEmpty }

  /// Whether an owner has a lock of a kind, on whatever range.
  public func has(_ kind: Kind, owner: UInt64) -> Bool {
    for record in records where record.owner == owner && record.kind == kind { return true }
    return false
  }

  /// A lock of another owner that stands in the way of one: the one that begins first.
  public func conflict(with wanted: Record) -> Record? {
    var found: Record?
    for record in records
    where record.owner != wanted.owner && record.overlaps(wanted)
      && (record.kind == .exclusive || wanted.kind == .exclusive)
    {
      if found.map({ record.start < $0.start }) ?? true { found = record }
    }
    return found
  }

  /// Gives an owner a lock, in the place of what he has of that range. Nothing is in the way.
  public mutating func set(_ wanted: Record) {
    unlock(owner: wanted.owner, start: wanted.start, last: wanted.last)
    var merged = wanted
    var index = 0
    while index < records.count {
      let record = records[index]
      let touchesBelow = record.last != .max && record.last + 1 == merged.start
      let touchesAbove = merged.last != .max && merged.last + 1 == record.start
      if record.owner == wanted.owner, record.kind == wanted.kind, touchesBelow || touchesAbove {
        merged.start = min(merged.start, record.start)
        merged.last = max(merged.last, record.last)
        records.swapAt(index, records.count - 1)
        records.removeLast()
        index = 0
        continue
      }
      index += 1
    }
    records.append(merged)
  }

  /// Takes an owner's locks of a range away; what a lock has outside of it stays.
  ///
  /// - Returns: whether there was one.
  @discardableResult
  public mutating func unlock(owner: UInt64, start: Int64, last: Int64) -> Bool {
    var changed = false
    var index = 0
    while index < records.count {
      let record = records[index]
      guard record.owner == owner, record.start <= last, start <= record.last else {
        index += 1
        continue
      }
      changed = true
      records.swapAt(index, records.count - 1)
      records.removeLast()
      if record.start < start {
        var lower = record
        lower.last = start - 1
        records.append(lower)
      }
      if record.last > last {
        var upper = record
        upper.start = last + 1
        records.append(upper)
      }
      // What was appended lies outside of the range and is passed over.
    }
    return changed
  }

  /// Takes all locks of an owner away.
  ///
  /// - Returns: whether there was one.
  @discardableResult
  public mutating func unlockAll(owner: UInt64) -> Bool { unlock(owner: owner, start: 0, last: .max) }

  /// The range that fcntl(2)'s l_start and l_len mean, once l_whence's base has been added.
  ///
  /// - Throws: EINVAL for a range that begins before the file, EOVERFLOW for one that ends beyond all offsets.
  public static func range(start: Int64, length: Int64, base: Int64) throws(Errno) -> (start: Int64, last: Int64) {
    let (first, overflows) = base.addingReportingOverflow(start)
    if overflows { throw .overflow }
    guard first >= 0 else { throw .invalid }
    if length == 0 { return (first, .max) }
    if length > 0 {
      let (last, overflows) = first.addingReportingOverflow(length - 1)
      if overflows { throw .overflow }
      return (first, last)
    }
    // Before the start.
    guard first + length >= 0 else { throw .invalid }
    return (first + length, first - 1)
  }
}
