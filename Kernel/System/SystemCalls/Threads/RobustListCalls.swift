import Core
import Machine

extension SystemCalls {
  /// The size of `struct robust_list_head`.
  private static var robustListHeadSize: UInt64 { 24 }

  /// set_robust_list(2)
  static func set_robust_list(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.second == robustListHeadSize else { throw .invalid }
    Scheduler.current.pointee.robustList = arguments.first
    return 0
  }

  /// get_robust_list(2)
  static func get_robust_list(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var head: UInt64 = 0
    try withThread(arguments.first) { thread throws(Errno) in head = thread.pointee.robustList }
    guard UserMemory.store(robustListHeadSize, to: arguments.third),
      UserMemory.store(head, to: arguments.second)
    else { throw .badAddress }
    return 0
  }
}
