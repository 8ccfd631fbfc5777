import Core
import Machine

/// What terminals need to know of process groups and sessions (credentials(7), setsid(2)), and how they send
/// signals to them.
enum JobControl {
  private static var current: Process? { Scheduler.current.pointee.process }

  /// The session of the current process; 0 for none.
  static var currentSession: Int32 { current?.session ?? 0 }
  /// The process group of the current process.
  static var currentGroup: Int32 { current?.group ?? 0 }

  /// Whether the current process, or one that it descends from, has cut its tie to its session's terminal.
  static var hasGivenTerminalUp: Bool {
    guard let current, current.sessionWithoutTerminal != 0 else { return false }
    return current.sessionWithoutTerminal == current.session
  }

  /// TIOCNOTTY by a process that does not lead its session.
  static func giveTerminalUp() { current?.sessionWithoutTerminal = currentSession }

  /// Whether the current process leads its session.
  static var isSessionLeader: Bool {
    guard let current else { return false }
    return current.session != 0 && current.session == current.identifier
  }

  /// The session that a process group belongs to; nil where there is no such group. As on Linux one of processes that
  /// have ended, and that nobody has waited for, is one; and so is a process by itself.
  static func session(ofGroup group: Int32) -> Int32? {
    Processes.lock.withLock {
      var session: Int32?
      Processes.forEachLocked { if $0.group == group { session = $0.session } }
      return session ?? Processes.findLocked(group)?.session
    }
  }

  /// Whether nobody has a parent outside of the group, in the same session, that could let it go on.
  static func isCurrentGroupOrphaned() -> Bool {
    Processes.lock.withLock { Processes.isOrphaned(currentGroup) }
  }

  /// Whether the current thread would not notice a signal: it blocks or ignores it.
  static func ignores(_ signal: Signal) -> Bool {
    guard let current else { return true }
    return current.signalLock.withLock {
      Scheduler.current.pointee.signals.blocked.contains(signal) || current.signals.actions[signal].isIgnore
    }
  }

  /// Sends a signal to every process of a group.
  static func send(_ signal: Signal, toGroup group: Int32) {
    if group > 0 { Signals.sendToGroup(signal, group) }
  }

  /// The same for the leader of a session.
  static func send(_ signal: Signal, toLeaderOf session: Int32) {
    guard session > 0, let leader = Processes.find(session), leader.ending == nil else { return }
    Signals.send(signal, to: leader)
  }
}

extension Signal {
  /// The signal of a key.
  init(_ key: TerminalSignal) {
    self =
      switch key {
      case .interrupt: .interrupt
      case .quit: .quit
      case .stop: .terminalStop
      }
  }
}
