import Core
import Machine

/// Process groups and sessions.
extension SystemCalls {
  /// setpgid(2)
  static func setpgid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let number = Int32(truncatingIfNeeded: arguments.first)
    do throws(Errno) {
      try Processes.setGroup(
        of: number, to: Int32(truncatingIfNeeded: arguments.second), caller: Scheduler.current.pointee.process!)
    } catch {
      // A thread that leads no process is the wrong one.
      if error == .noProcess, Processes.find(number) == nil, process(ofThread: number) != nil { throw .invalid }
      throw error
    }
    return 0
  }

  /// getpgid(2)
  static func getpgid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    Int64(try processOrCaller(arguments.first).group)
  }

  /// getpgrp(2)
  static func getpgrp() -> Int64 { Int64(Scheduler.current.pointee.process!.group) }

  /// setsid(2)
  static func setsid() throws(Errno) -> Int64 {
    let process = Scheduler.current.pointee.process!
    try Processes.startSession(process)
    return Int64(process.identifier)
  }

  /// getsid(2)
  static func getsid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    Int64(try processOrCaller(arguments.first).session)
  }

  /// The process that an identifier names, that of one of its threads included; 0 is the caller.
  private static func processOrCaller(_ identifier: UInt64) throws(Errno) -> Process {
    let number = Int32(truncatingIfNeeded: identifier)
    if number == 0 { return Scheduler.current.pointee.process! }
    guard let process = Processes.find(number) ?? process(ofThread: number) else { throw .noProcess }
    return process
  }
}
