import Core
import Machine

/// A traced thread, as its tracer knows it (ptrace(2)). Outlives the thread until its end has been waited for.
final class Tracee: @unchecked Sendable {
  let process: Process

  // MARK: Under the lock of `Processes`

  /// The thread's identifier; the process's once the thread has called execve(2).
  var identifier: Int32
  /// Nil once nobody traces it any more.
  unowned(unsafe) var tracer: Process?
  /// The thread of the tracer that alone may make requests.
  var tracerThread: Int32
  /// The next in the tracer's list.
  var next: Tracee?
  /// How the thread ended, as wait4(2) reports it; nil while it lives. Of a process's first thread the process tells.
  var endStatus: Int32?

  // MARK: Under the process's signal lock; by the tracer too while it has the thread frozen

  /// Nil once it has ended.
  var thread: ThreadPointer?
  var state = TraceState()
  var options: TraceOptions = []
  /// Whether PTRACE_SEIZE made it a tracee.
  let isSeized: Bool
  /// PTRACE_GETEVENTMSG
  var message: UInt64 = 0
  /// What the stop is about (PTRACE_GETSIGINFO); nil for a stop that has nothing of the kind.
  var information: SignalInformation?
  /// Whether the trap flag in its frame is the tracer's and not the program's own.
  var hasForcedTrapFlag = false
  /// Whether SIGKILL came after its end had begun: it does not stop any more.
  var isKilledAtEnd = false

  init(_ process: Process, _ thread: ThreadPointer, tracer: Process, tracerThread: Int32, isSeized: Bool) {
    self.process = process
    self.thread = thread
    identifier = thread.pointee.identifier
    self.tracer = tracer
    self.tracerThread = tracerThread
    self.isSeized = isSeized
  }

  /// Whether it is its process's first thread, whose end is the process's.
  var isLeader: Bool { identifier == process.identifier }

  /// What wait4(2) reports of a stop; nil for none.
  func takeStop(leaves: Bool) -> Int32? {
    process.signalLock.withLock { state.takeReport(leaves: leaves) }
  }
}
