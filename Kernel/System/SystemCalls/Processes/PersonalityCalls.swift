import Core
import Machine

extension SystemCalls {
  /// personality(2): stored; there is one way to run programs.
  static func personality(_ arguments: SystemCallArguments) -> Int64 {
    let process = Scheduler.current.pointee.process!
    let new = UInt32(truncatingIfNeeded: arguments.first)
    return process.lock.withLock {
      let old = process.attributes.personality
      if new != .max { process.attributes.personality = new }
      return Int64(old)
    }
  }
}
