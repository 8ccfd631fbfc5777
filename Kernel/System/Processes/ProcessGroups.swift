import Core
import Machine

/// Process groups and sessions (credentials(7), setpgid(2), setsid(2)).
extension Processes {
  /// setpgid(2): of the caller or one of its children that has not called execve.
  ///
  /// - Parameters:
  ///   - identifier: of the process; 0 for the caller.
  ///   - group: the new group; 0 for the process's own identifier.
  static func setGroup(of identifier: Int32, to group: Int32, caller: Process) throws(Errno) {
    guard group >= 0 else { throw .invalid }
    let wereEnabled = lock.acquire()
    defer { lock.release(wereEnabled) }
    let number = identifier == 0 ? caller.identifier : identifier
    guard let process = findLocked(number) else { throw .noProcess }
    if process !== caller {
      guard process.parent === caller else { throw .noProcess }
      guard process.session == caller.session else { throw .notPermitted }
      guard !process.hasExecuted else { throw .access }
    }
    guard process.session != process.identifier else { throw .notPermitted }
    let new = group == 0 ? process.identifier : group
    if new != process.identifier {
      var isInSession = false
      forEachLocked { if $0.group == new, $0.session == caller.session { isInSession = true } }
      guard isInSession else { throw .notPermitted }
    }
    process.group = new
  }

  /// setsid(2): the caller leads a new session and its only group.
  static func startSession(_ caller: Process) throws(Errno) {
    let wereEnabled = lock.acquire()
    defer { lock.release(wereEnabled) }
    var isGroup = false
    forEachLocked { if $0.group == caller.identifier { isGroup = true } }
    guard !isGroup else { throw .notPermitted }
    caller.session = caller.identifier
    caller.group = caller.identifier
  }

  /// Whether nobody is left who could let the group go on: no member has a parent in another group of the same
  /// session. The lock is held.
  ///
  /// - Parameter leaving: a process that ends, and counts no more; nil for none.
  static func isOrphaned(_ group: Int32, leaving: Process? = nil) -> Bool {
    var isOrphaned = true
    forEachLocked { process in
      guard process.group == group, process !== leaving, process.ending == nil, let parent = process.parent,
        parent.identifier != firstIdentifier
      else { return }
      if parent !== leaving, parent.group != group, parent.session == process.session { isOrphaned = false }
    }
    return isOrphaned
  }

  /// A group that has just been orphaned and has a stopped member gets SIGHUP and SIGCONT (setpgid(2)). The lock is
  /// held.
  static func hangUpIfOrphaned(_ group: Int32, leaving: Process) {
    var hasStopped = false
    forEachLocked { process in
      if process.group == group, process !== leaving, process.signals.isStopping { hasStopped = true }
    }
    guard hasStopped, isOrphaned(group, leaving: leaving) else { return }
    for signal in [Signal.hangup, Signal.continue] {
      forEachLocked { process in
        if process.group == group, process !== leaving, process.ending == nil { Signals.send(signal, to: process) }
      }
    }
  }
}
