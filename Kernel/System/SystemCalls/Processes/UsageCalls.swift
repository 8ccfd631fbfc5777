import Core
import Machine

/// What processes have used.
extension SystemCalls {
  /// getrusage(2)
  static func getrusage(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let thread = Scheduler.current
    let process = thread.pointee.process!
    let usage: ResourceUsage
    switch Int32(truncatingIfNeeded: arguments.first) {
    case 0: usage = process.usage  // RUSAGE_SELF
    case -1: usage = process.lock.withLock { process.childUsage }  // RUSAGE_CHILDREN
    case 1: usage = thread.pointee.usage  // RUSAGE_THREAD
    default: throw .invalid
    }
    guard usage.store(to: arguments.second) else { throw .badAddress }
    return 0
  }

  /// times(2): in hundredths of a second.
  static func times(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let process = Scheduler.current.pointee.process!
    if arguments.first != 0 {
      let own = process.usage
      let children = process.lock.withLock { process.childUsage }
      let words: InlineArray<4, UInt64> = [
        own.userNanoseconds / clockTick, own.systemNanoseconds / clockTick,
        children.userNanoseconds / clockTick, children.systemNanoseconds / clockTick,
      ]
      guard UserMemory.store(words, to: arguments.first) else { throw .badAddress }
    }
    return Int64(Time.nanosecondsSinceBoot / clockTick)
  }

  /// Nanoseconds of a clock tick as programs know it (sysconf(_SC_CLK_TCK)).
  private static var clockTick: UInt64 { 10_000_000 }
}
