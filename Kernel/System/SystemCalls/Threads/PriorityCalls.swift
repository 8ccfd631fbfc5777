import Core
import Machine

/// Nice levels.
extension SystemCalls {
  /// getpriority(2), the raw call: 20 less the nice level, of the best of the threads.
  static func getpriority(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var best: Int8? = nil
    try forEachThread(arguments.first, arguments.second) { thread in
      let nice = thread.pointee.schedulingPolicy.nice
      best = min(best ?? 19, nice)
    }
    guard let best else { throw .noProcess }
    return 20 - Int64(best)
  }

  /// setpriority(2)
  static func setpriority(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let nice = min(max(Int32(truncatingIfNeeded: arguments.third), -20), 19)
    let caller = Scheduler.current.pointee.process!
    let credentials = caller.credentials
    let mayRaise = credentials.effective.contains(.raisePriority)
    // RLIMIT_NICE is 20 less the lowest level.
    let lowest = 20 - Int64(min(caller.limit(.nice), 40))
    var isFound = false
    var failure: Errno? = nil
    try forEachThread(arguments.first, arguments.second) { thread in
      isFound = true
      guard let process = thread.pointee.process else { return }
      let target = process.attributes.credentials.user
      if !mayRaise, credentials.user.effective != target.real, credentials.user.effective != target.effective
      {
        failure = .notPermitted
      } else if nice < thread.pointee.schedulingPolicy.nice, !mayRaise, Int64(nice) < lowest {
        failure = .access
      } else {
        thread.pointee.schedulingPolicy.nice = Int8(nice)
        Scheduler.updateClaim(of: thread)
      }
    }
    if let failure { throw failure }
    guard isFound else { throw .noProcess }
    return 0
  }

  /// Calls `body` with each thread that the two arguments of the calls above name, all kept from ending.
  static func forEachThread(
    _ which: UInt64, _ who: UInt64, _ body: (ThreadPointer) -> Void
  ) throws(Errno) {
    let caller = Scheduler.current.pointee.process!
    let number = Int32(truncatingIfNeeded: who)
    switch which & 0xFFFF_FFFF {
    case 0:  // PRIO_PROCESS: one thread
      do throws(Errno) { try withThread(who) { thread throws(Errno) in body(thread) } } catch {
        throw .noProcess
      }
    case 1:  // PRIO_PGRP
      let group = number == 0 ? caller.group : number
      Threads.forEach { if let process = $0.pointee.process, process.group == group { body($0) } }
    case 2:  // PRIO_USER
      let user = number == 0 ? caller.credentials.user.real : UInt32(bitPattern: number)
      Threads.forEach {
        if let process = $0.pointee.process, process.attributes.credentials.user.real == user { body($0) }
      }
    default:
      throw .invalid
    }
  }
}
