import Core
import Machine

/// What terminals need to know of process groups and sessions (setsid(2), setpgid(2)).
///
/// The terminal's process group is told to stop, to end or to look at the window size by the functions here alone.
enum JobControl {
  /// The session of the current process.
  static var currentSession: Int32 { 0 }
  /// The process group of the current process.
  static var currentGroup: Int32 { 0 }

  /// Whether the current process leads its session.
  static var isSessionLeader: Bool { false }

  /// The session that a process group belongs to; nil where there is no such group.
  static func session(ofGroup group: Int32) -> Int32? { nil }

  /// Whether nobody in the group has a parent outside of it that could continue it.
  static func isCurrentGroupOrphaned() -> Bool { false }

  /// Whether the current thread would not notice a signal: it blocks or ignores it.
  static func ignores(_ signal: UInt8) -> Bool { false }

  /// Sends a signal to every process of a group. In a thread that holds no lock.
  static func send(_ signal: UInt8, toGroup group: Int32) {}

  /// The same for the leader of a session.
  static func send(_ signal: UInt8, toLeaderOf session: Int32) {}

  static var hangUp: UInt8 { 1 }  // SIGHUP
  static var carryOn: UInt8 { 18 }  // SIGCONT
  static var backgroundRead: UInt8 { 21 }  // SIGTTIN
  static var backgroundWrite: UInt8 { 22 }  // SIGTTOU
  static var windowChanged: UInt8 { 28 }  // SIGWINCH
}
