import Core
import Machine

/// What several of the files of a process are made by.
enum ProcessFiles {
  /// /proc/PID/status
  static func writeStatus(of process: Process, thread: Int32?, to text: inout TextBuffer) throws(Errno) {
    let summary = try ProcessSummary(process, thread: thread, .byKind)
    // Never changed once made: it may be read without a lock.
    let groups = process.lock.withLock { process.attributes.groups }
    summary.writeStatus(
      to: &text, groups: UnsafeBufferPointer(groups?.identifiers ?? UnsafeMutableBufferPointer(start: nil, count: 0)))
    withExtendedLifetime(groups) {}
  }

  /// /proc/PID/comm
  static func writeName(of process: Process, thread: Int32?, to text: inout TextBuffer) throws(Errno) {
    let summary = try ProcessSummary(process, thread: thread, .total)
    withUnsafeBytes(of: summary.name) { text.put(zeroTerminated: $0) }
    text.put("\n")
  }

  /// A write to it names a thread of the writer's own process; a newline counts, as on Linux.
  static func setName(of process: Process, thread wanted: Int32?, to value: ByteView) throws(Errno) {
    guard process === Scheduler.current.pointee.process else { throw .invalid }
    var isFound = false
    process.forEachThread { thread in
      if thread.pointee.identifier == wanted ?? process.identifier {
        thread.setName(value)
        isFound = true
      }
    }
    guard isFound else { throw .noProcess }
  }

  /// /proc/PID/io. Transfers are not counted, and nothing is read from a disk or written to one.
  static func writeInputOutput(to text: inout TextBuffer) {
    text.put("rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\n")
    text.put("read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n")
  }

  // MARK: Who is ended when memory is out

  /// /proc/PID/oom_score: what the process has of the memory, in thousandths, and its adjustment.
  static func writeOutOfMemoryScore(of process: Process, to text: inout TextBuffer) {
    let adjustment = Int64(process.lock.withLock { process.attributes.outOfMemoryAdjustment })
    let share = Int64(process.frameCount) * 1000 / Int64(max(Frames.totalCount, 1))
    text.put(max(share + adjustment, 0))
    text.put("\n")
  }

  /// /proc/PID/oom_score_adj: -1000 to 1000.
  static func setOutOfMemoryAdjustment(of process: Process, to value: ByteView) throws(Errno) {
    guard let number = value.settingNumber, (-1000...1000).contains(number) else { throw .invalid }
    let isPrivileged = Scheduler.current.pointee.process!.hasCapability(.exceedLimits)
    let isPermitted = process.lock.withLock {
      if number < Int64(process.attributes.outOfMemoryAdjustment), !isPrivileged { return false }
      process.attributes.outOfMemoryAdjustment = Int16(number)
      return true
    }
    guard isPermitted else { throw .access }
  }
}
