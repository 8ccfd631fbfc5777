import Core
import Machine

/// What threads and processes share, and cease to.
extension SystemCalls {
  /// unshare(2). There are no namespaces to unshare: EINVAL, as on a Linux that was built without them.
  static func unshare(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = CloneFlags(rawValue: arguments.first)
    let known: CloneFlags = [.files, .fileSystem, .memory, .signalHandlers, .thread, .semaphores]
    guard flags.isSubset(of: known) else { throw .invalid }
    let process = Scheduler.current.pointee.process!
    // Memory, handlers and the process itself can be left by nobody who shares them.
    if !flags.isDisjoint(with: [.memory, .signalHandlers, .thread]), process.threadCount != 1 { throw .invalid }
    // Before anything is done.
    if flags.contains(.fileSystem), Frames.freeCount <= Frames.reserve { throw .outOfMemory }
    if flags.contains(.files) { try process.unshareFiles() }
    if flags.contains(.semaphores) { SemaphoreUndoList.leave(Scheduler.current) }
    if flags.contains(.fileSystem) { process.fileSystem = process.fileSystem.copy() }
    return 0
  }

  /// setns(2): nothing is a namespace.
  static func setns(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    _ = try file(arguments.first)
    throw .invalid
  }
}
