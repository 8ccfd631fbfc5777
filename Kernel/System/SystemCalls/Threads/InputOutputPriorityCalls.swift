import Core
import Machine

/// Priorities of input and output (ioprio_set(2)): stored only, as no thread ever waits for a disk.
extension SystemCalls {
  /// The class in bits 13 to 15: 0 for none, 1 for real time, 2 for best effort, 3 for idle; below it the level.
  private static func check(_ priority: UInt32) throws(Errno) {
    let level = priority & 0x1FFF
    switch priority >> 13 {
    case 0: if level != 0 { throw .invalid }
    case 1:
      let own = Scheduler.current.pointee.process!.credentials.effective
      if own.isDisjoint(with: [.administration, .raisePriority]) { throw .notPermitted }
      if level & 7 != level { throw .invalid }
    case 2: if level & 7 != level { throw .invalid }
    case 3: break
    default: throw .invalid
    }
  }

  /// ioprio_set(2)
  static func ioprio_set(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let priority = UInt32(truncatingIfNeeded: arguments.third)
    try check(priority)
    let caller = Scheduler.current.pointee.process!
    let credentials = caller.credentials
    var isFound = false
    var isRefused = false
    try forEachThread(which(arguments.first), arguments.second) { thread in
      isFound = true
      let user = thread.pointee.process?.attributes.credentials.user
      let isOwn = user.map { $0.real == credentials.user.effective || $0.real == credentials.user.real } ?? false
      if isOwn || credentials.effective.contains(.raisePriority) {
        thread.pointee.inputOutputPriority = UInt16(truncatingIfNeeded: priority)
      } else {
        isRefused = true
      }
    }
    if isRefused { throw .notPermitted }
    guard isFound else { throw .noProcess }
    return 0
  }

  /// ioprio_get(2): of the best of the threads. One that has none set goes by its nice level, as best effort.
  static func ioprio_get(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var best: UInt16? = nil
    let ofOne = arguments.first & 0xFFFF_FFFF == 1
    try forEachThread(which(arguments.first), arguments.second) { thread in
      let own = thread.pointee.inputOutputPriority
      let byNice = 2 << 13 | UInt16(truncatingIfNeeded: (Int(thread.pointee.schedulingPolicy.nice) + 20) / 5)
      let effective = own >> 13 == 0 ? byNice : own
      best = min(best ?? .max, ofOne ? own : effective)
    }
    guard let best else { throw .noProcess }
    return Int64(best)
  }

  /// IOPRIO_WHO_PROCESS, _PGRP and _USER as the calls for nice levels number them.
  private static func which(_ argument: UInt64) throws(Errno) -> UInt64 {
    guard (1...3).contains(argument & 0xFFFF_FFFF) else { throw .invalid }
    return (argument & 0xFFFF_FFFF) - 1
  }
}
