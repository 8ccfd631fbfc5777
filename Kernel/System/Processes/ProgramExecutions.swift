import Core
import Machine

/// Which threads of a process are in execve(2): from before they ask whether somebody traces them until the process
/// has the credentials of the new program, or the call has failed. What a program gains by its file goes by the answer,
/// so that nobody may become the tracer in between (ptrace(2)).
///
/// Changed under the process's signal lock, under which threads become traced too.
struct ProgramExecutions {
  /// Several threads may try, of which one ends the others. Read without the lock too.
  private var underWay = AtomicWord()
  private var begun: UInt64 = 0

  var isUnderWay: Bool { mutating get { underWay.load() != 0 } }

  /// How many have begun so far; nil while one is under way. The lock is held.
  var settledCount: UInt64? { mutating get { isUnderWay ? nil : begun } }

  mutating func begin() {
    begun &+= 1
    underWay.add(1)
  }

  mutating func end() { underWay.subtract(1) }
}

extension Process {
  /// The current thread begins execve(2). No lock is held.
  func beginExecution() { signalLock.withLock { executions.begin() } }

  /// It has the new program's credentials, or has failed. No lock is held.
  func endExecution() {
    signalLock.withLock { executions.end() }
    changed.wake()
  }

  /// Waits until no thread of the process is in execve(2). No lock is held.
  ///
  /// The wait ends by any signal, since a thread that executes a program may itself have to wait: for the end of another
  /// thread of its process, which stops for a tracer.
  ///
  /// - Returns: how many executions had begun by then: while that stays, the credentials are no new program's.
  /// - Throws: ERESTARTNOINTR where a signal has come.
  func waitForExecutions() throws(Errno) -> UInt64 {
    while true {
      guard changed.wait({ !executions.isUnderWay }) == .satisfied else { throw .restartAlways }
      if let count = signalLock.withLock({ executions.settledCount }) { return count }
    }
  }
}
