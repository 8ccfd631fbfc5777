import Core
import Machine

/// Who may look into a process (ptrace(2), "Ptrace access mode checking").
enum ProcessAccess {
  /// Whether the current process may see a process's memory, files and environment.
  static func mayInspect(_ process: Process) -> Bool {
    guard let current = Scheduler.current.pointee.process else { return true }
    if current === process { return true }
    let own = current.credentials
    return may(own, user: own.user.fileSystem, group: own.group.fileSystem, process)
  }

  /// Whether the current process may become the tracer of a process's threads, which goes by its real identifiers.
  static func mayTrace(_ process: Process) -> Bool {
    guard let current = Scheduler.current.pointee.process else { return true }
    let own = current.credentials
    return may(own, user: own.user.real, group: own.group.real, process)
  }

  private static func may(_ own: Credentials, user: UInt32, group: UInt32, _ process: Process) -> Bool {
    if own.effective.contains(.inspectProcesses) { return true }
    let (target, dumpable) = process.lock.withLock {
      (process.attributes.credentials, process.attributes.dumpable)
    }
    guard user == target.user.real, user == target.user.effective, user == target.user.saved,
      group == target.group.real, group == target.group.effective, group == target.group.saved
    else { return false }
    return dumpable == 1 && target.permitted.isSubset(of: own.permitted)
  }

  /// Throws EACCES where it may not.
  static func check(_ process: Process) throws(Errno) {
    guard mayInspect(process) else { throw .access }
  }
}

extension Process {
  /// Throws ESRCH once the process has been waited for.
  func checkPresence() throws(Errno) {
    guard Processes.find(identifier) === self else { throw .noProcess }
  }

  /// Memory that can still be looked at. Nil for a zombie.
  func inspectedMemory() throws(Errno) -> AddressSpace? {
    try checkPresence()
    return sharedAddressSpace
  }
}
