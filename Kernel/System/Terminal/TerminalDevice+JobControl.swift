import Core
import Machine

/// Sessions and process groups at a terminal (credentials(7), setsid(2)).
extension TerminalDevice {
  var hasSession: Bool { lock.withLock { session != 0 } }

  /// Whether it is the current process's controlling terminal.
  var isControlling: Bool {
    let session = lock.withLock { self.session }
    return session != 0 && session == JobControl.currentSession && !JobControl.hasGivenTerminalUp
  }

  /// A process of the background that wants to read, or to change something, is stopped; one that cannot be
  /// fails.
  ///
  /// - Parameter signal: SIGTTIN or SIGTTOU.
  /// - Throws: `restart` with the signal sent; `inputOutput` where nobody would continue the process, or
  ///   where it does not hear of SIGTTIN.
  func checkForeground(_ signal: Signal) throws(Errno) {
    let (session, foreground) = lock.withLock { (self.session, foregroundGroup) }
    guard session != 0, foreground != 0, session == JobControl.currentSession else { return }
    let group = JobControl.currentGroup
    if group == foreground { return }
    if JobControl.ignores(signal) {
      if signal == .terminalInput { throw .inputOutput }
      return
    }
    if JobControl.isCurrentGroupOrphaned() { throw .inputOutput }
    JobControl.send(signal, toGroup: group)
    throw .restart
  }

  /// open(2) without O_NOCTTY: a session leader without a terminal gets this one, if it is nobody else's.
  func acquireOnOpen(_ flags: OpenFlags) {
    guard flags.isReadable, JobControl.isSessionLeader, Terminals.controlling == nil else { return }
    lock.withLock {
      guard session == 0 else { return }
      session = JobControl.currentSession
      foregroundGroup = JobControl.currentGroup
    }
  }

  /// TIOCSCTTY
  ///
  /// - Parameters:
  ///   - mayTakeAway: whether another session may lose it.
  ///   - mayRead: whether it is open for reading, or need not be: who may only write to a terminal does not get it.
  func acquire(mayTakeAway: Bool, mayRead: Bool) throws(Errno) {
    let current = JobControl.currentSession
    if JobControl.isSessionLeader, current != 0, lock.withLock({ session == current }) { return }
    guard JobControl.isSessionLeader, Terminals.controlling == nil, mayRead else { throw .notPermitted }
    let isAcquired = lock.withLock {
      guard session == 0 || mayTakeAway else { return false }
      session = current
      foregroundGroup = JobControl.currentGroup
      return true
    }
    if !isAcquired { throw .notPermitted }
  }

  /// The session gives its terminal up (TIOCNOTTY by its leader): the foreground group is told.
  func release() {
    let group = lock.withLock {
      let group = foregroundGroup
      session = 0
      foregroundGroup = 0
      return group
    }
    guard group != 0 else { return }
    JobControl.send(.hangup, toGroup: group)
    JobControl.send(.continue, toGroup: group)
  }

  /// The leader of its session has ended: the foreground group is told, and the session has no terminal any
  /// more.
  func sessionLeaderEnded() {
    let group = lock.withLock {
      let group = foregroundGroup
      session = 0
      foregroundGroup = 0
      return group
    }
    if group != 0 { JobControl.send(.hangup, toGroup: group) }
    if hangsUpWithItsSession { hangUp() }
  }

  /// TIOCSPGRP, tcsetpgrp(3)
  func setForegroundGroup(_ group: Int32) throws(Errno) {
    let session = JobControl.currentSession
    guard let groupSession = JobControl.session(ofGroup: group) else { throw .noProcess }
    guard groupSession == session else { throw .notPermitted }
    lock.withLock { foregroundGroup = group }
  }
}

/// Every terminal there is.
enum Terminals {
  /// The serial line; there once the machine is up.
  nonisolated(unsafe) static var serial: SerialTerminal?

  /// The controlling terminal of the current process.
  static var controlling: TerminalDevice? {
    JobControl.hasGivenTerminalUp ? nil : controlling(of: JobControl.currentSession)
  }

  /// The controlling terminal of a session; nil for none.
  static func controlling(of session: Int32) -> TerminalDevice? {
    guard session != 0 else { return nil }
    if let serial, serial.lock.withLock({ serial.session == session }) { return serial }
    if let second = SecondSerialLine.shared, second.lock.withLock({ second.session == session }) { return second }
    return PseudoTerminals.first { terminal in terminal.lock.withLock { terminal.session == session } }
  }

  /// Guards `formerForeground`.
  nonisolated(unsafe) private static var lock = SpinLock()
  /// Sessions that a hang-up took their terminal from, with the groups that were in front; as many as there
  /// are leaders at most.
  nonisolated(unsafe) private static var storedFormerForeground: [(session: Int32, group: Int32)]?
  private static var formerForeground: [(session: Int32, group: Int32)] {
    get { storedFormerForeground ?? [] }
    _modify {
      if storedFormerForeground == nil { storedFormerForeground = [] }
      yield &storedFormerForeground!
    }
  }

  /// A session's terminal is about to be hung up.
  static func rememberForeground(_ group: Int32, of session: Int32) {
    lock.withLock {
      formerForeground.removeAll { $0.session == session }
      formerForeground.append((session, group))
    }
  }

  private static func takeFormerForeground(of session: Int32) -> Int32? {
    lock.withLock {
      guard let index = formerForeground.firstIndex(where: { $0.session == session }) else { return nil }
      return formerForeground.remove(at: index).group
    }
  }

  /// The leader of a session has ended. In its last thread, which holds no lock.
  static func sessionLeaderEnded(_ session: Int32) {
    let former = takeFormerForeground(of: session)
    if let terminal = controlling(of: session) { return terminal.sessionLeaderEnded() }
    guard let former else { return }
    JobControl.send(.hangup, toGroup: former)
    JobControl.send(.continue, toGroup: former)
  }
}
