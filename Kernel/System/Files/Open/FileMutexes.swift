import Core
import Machine

/// The sleeping locks of files: many files share a few, so that a file needs none of its own.
///
/// The order is position, then contents; of each, a thread holds one at a time.
enum FileMutexes {
  private static var count: Int { 64 }
  nonisolated(unsafe) private static var positions: UnsafeMutablePointer<Mutex>?
  nonisolated(unsafe) private static var contents: UnsafeMutablePointer<Mutex>?

  /// While the machine comes up.
  static func initialize() {
    positions = makeMutexes()
    contents = makeMutexes()
  }

  private static func makeMutexes() -> UnsafeMutablePointer<Mutex> {
    let mutexes = UnsafeMutablePointer<Mutex>.allocate(capacity: count)
    for index in 0..<count { (mutexes + index).initialize(to: Mutex()) }
    return mutexes
  }

  /// Guards where an open file stands, across the read or write that moves it.
  @inline(__always)
  static func position(of file: OpenFile) -> Mutex {
    let address = UInt(bitPattern: Unmanaged.passUnretained(file).toOpaque())
    return positions![Int((address >> 6 ^ address >> 12) & UInt(count - 1))]
  }

  /// Guards a file's contents and size against other writers.
  @inline(__always)
  static func contents(of node: FileNode) -> Mutex { contents![Int(node.number & UInt64(count - 1))] }
}

/// lseek(2)'s last argument.
enum Whence {
  static var set: Int32 { 0 }
  static var current: Int32 { 1 }
  static var end: Int32 { 2 }
  static var data: Int32 { 3 }
  static var hole: Int32 { 4 }

  /// The position that a seek by SEEK_SET, SEEK_CUR or SEEK_END leads to.
  static func position(_ offset: Int64, _ whence: Int32, current: Int64, size: Int64) throws(Errno) -> Int64 {
    let base: Int64
    switch whence {
    case set: base = 0
    case Whence.current: base = current
    case end: base = size
    default: throw .invalid
    }
    let (sum, overflows) = base.addingReportingOverflow(offset)
    if overflows { throw .invalid }
    guard sum >= 0 else { throw .invalid }
    return sum
  }
}

/// RLIMIT_FSIZE, and the largest size of all.
enum FileSizeLimit {
  /// How many of `count` bytes may be written from an offset on.
  ///
  /// - Throws: EFBIG for none; at the process's limit with SIGXFSZ.
  static func room(at offset: Int64, count: Int) throws(Errno) -> Int {
    guard offset >= 0 else { throw .invalid }
    let limit = limit
    if UInt64(offset) >= limit {
      Signals.sendForCall(.fileSizeLimit)
      throw .fileTooLarge
    }
    guard UInt64(offset) < PageStore.maximumSize else { throw .fileTooLarge }
    return Int(min(UInt64(count), min(limit, PageStore.maximumSize) - UInt64(offset)))
  }

  /// Whether a file may become as large (truncate(2)).
  ///
  /// - Parameter current: its size: one that is beyond the limit may become smaller.
  static func check(_ size: UInt64, current: UInt64) throws(Errno) {
    guard size <= PageStore.maximumSize else { throw .fileTooLarge }
    if size > current, size > limit {
      Signals.sendForCall(.fileSizeLimit)
      throw .fileTooLarge
    }
  }

  private static var limit: UInt64 {
    Scheduler.current.pointee.process?.limit(.fileSize) ?? ResourceLimit.infinite
  }
}
