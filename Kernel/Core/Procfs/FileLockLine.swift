/// A line of /proc/locks (proc_locks(5)): a lock that somebody holds.
public struct FileLockLine {
  /// The lines' numbers begin at 1.
  public var number: Int
  public var family: RecordLocks.Family
  public var record: RecordLocks.Record
  public var deviceMajor: UInt32
  public var deviceMinor: UInt32
  public var inode: UInt64

  public init(
    number: Int, family: RecordLocks.Family, record: RecordLocks.Record, deviceMajor: UInt32, deviceMinor: UInt32,
    inode: UInt64
  ) {
    self.number = number
    self.family = family
    self.record = record
    self.deviceMajor = deviceMajor
    self.deviceMinor = deviceMinor
    self.inode = inode
  }

  public func write(to text: inout TextBuffer) {
    text.put(number)
    switch family {
    case .process: text.put(": POSIX  ADVISORY  ")
    case .openFile: text.put(": OFDLCK ADVISORY  ")
    case .whole: text.put(": FLOCK  ADVISORY  ")
    }
    text.put(record.kind == .shared ? "READ " : "WRITE ")
    text.put(record.process)
    text.put(" ")
    text.put(hexadecimal: UInt64(deviceMajor), digits: 2)
    text.put(":")
    text.put(hexadecimal: UInt64(deviceMinor), digits: 2)
    text.put(":")
    text.put(inode)
    text.put(" ")
    text.put(record.start)
    if record.last == .max {
      text.put(" EOF\n")
    } else {
      text.put(" ")
      text.put(record.last)
      text.put("\n")
    }
  }
}
