import Core
import Machine

/// Who may look into a process (ptrace(2), "Ptrace access mode checking").
enum ProcessAccess {
  /// Whether the current process may see a process's memory, files and environment. A process that executes another
  /// program meanwhile may not be looked into any more: who takes something of it asks afterwards.
  static func mayInspect(_ process: Process) -> Bool { may(.inspection, Target(process)) }

  /// Whether the current process may become the tracer of a process's threads, which goes by its real identifiers.
  static func mayTrace(_ process: Process) -> Bool { may(.tracing, Target(process)) }

  /// Throws EACCES where it may not look into the process.
  static func check(_ process: Process) throws(Errno) {
    guard mayInspect(process) else { throw .access }
  }

  /// The memory of a process that may be looked into; nil for one that has ended.
  ///
  /// - Throws: EACCES where it may not.
  static func memory(of process: Process) throws(Errno) -> AddressSpace? { try inspected(process).memory.space }

  /// The same for what is opened, and looks at it later.
  static func program(of process: Process) throws(Errno) -> ProgramMemory {
    ProgramMemory(process, number: try inspected(process).memory.number)
  }

  private static func inspected(_ process: Process) throws(Errno) -> Target {
    let target = Target(process)
    guard may(.inspection, target) else { throw .access }
    return target
  }

  /// The memory of a process that may be traced; nil for one that has ended.
  ///
  /// - Throws: EPERM where it may not.
  static func tracedMemory(of process: Process) throws(Errno) -> AddressSpace? {
    let target = Target(process)
    guard may(.tracing, target) else { throw .notPermitted }
    return target.memory.space
  }

  /// A process's memory and what guards it, of one moment: execve(2) replaces them together.
  private struct Target {
    let process: Process
    let credentials: Credentials
    let dumpable: UInt8
    let memory: (space: AddressSpace?, number: UInt64)

    init(_ process: Process) {
      self.process = process
      (credentials, dumpable, memory) = process.lock.withLock {
        (process.attributes.credentials, process.attributes.dumpable, process.numberedAddressSpace)
      }
    }
  }

  private enum Purpose { case inspection, tracing }

  private static func may(_ purpose: Purpose, _ target: Target) -> Bool {
    guard let current = Scheduler.current.pointee.process, current !== target.process else { return true }
    RaceWidening.point()
    let own = current.credentials
    if own.effective.contains(.inspectProcesses) { return true }
    let user = purpose == .tracing ? own.user.real : own.user.fileSystem
    let group = purpose == .tracing ? own.group.real : own.group.fileSystem
    let (targetUser, targetGroup) = (target.credentials.user, target.credentials.group)
    guard user == targetUser.real, user == targetUser.effective, user == targetUser.saved,
      group == targetGroup.real, group == targetGroup.effective, group == targetGroup.saved
    else { return false }
    return target.dumpable == 1 && target.credentials.permitted.isSubset(of: own.permitted)
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
