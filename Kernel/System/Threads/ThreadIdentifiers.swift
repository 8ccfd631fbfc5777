import Core
import Machine

/// The identifiers of threads and processes: each is one more than the one before, and behind the last they begin anew
/// with those that are free (proc_sys_kernel(5), pid_max). What holds them in 22 bits, or in the 30 of a futex's word,
/// can so rely on it.
enum ThreadIdentifiers {
  /// The first that nobody gets.
  static var limit: UInt32 { 4 << 20 }
  /// Where every further round begins, as on Linux.
  private static var firstOfRound: UInt32 { 300 }

  /// 1 is kept for the first process of the boot line's.
  nonisolated(unsafe) private static var next = AtomicWord(2)
  /// 1 once all have been given.
  nonisolated(unsafe) private static var hasBegunAnew = AtomicWord()

  /// The last one that was given.
  static var last: Int32 { Int32(truncatingIfNeeded: next.load()) - 1 }

  /// One that nobody has. No lock is held.
  static func make() -> Int32 {
    while true {
      let number = next.add(1)
      if number >= limit {
        hasBegunAnew.store(1)
        // Of several that come here at once it is for the last.
        _ = next.replace(number &+ 1, with: firstOfRound)
        continue
      }
      let identifier = Int32(truncatingIfNeeded: number)
      if hasBegunAnew.load() == 0 || !isInUse(identifier) { return identifier }
    }
  }

  /// Whether a thread, a process that somebody has still to wait for, a group or a session has it.
  private static func isInUse(_ identifier: Int32) -> Bool {
    var isFound = false
    Processes.forEach {
      if $0.identifier == identifier || $0.group == identifier || $0.session == identifier { isFound = true }
    }
    if !isFound { Threads.forEach { if $0.pointee.identifier == identifier { isFound = true } } }
    return isFound
  }

  /// For tests: has one be the next to be given, if it is free.
  static func set(next identifier: Int32) { next.store(UInt32(identifier)) }
}
