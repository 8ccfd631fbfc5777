import Core
import Machine

/// What a thread has to do with signals.
struct ThreadSignals {
  // MARK: Under the process's signal lock; the thread reads its own mask without

  var blocked: SignalSet = []
  /// Signals for this thread alone.
  var pending = PendingSignals()
  /// Whether it has been counted as stopped.
  var isStopped = false
  /// Whether it is on its way out, and has told its tracer so.
  var isAtEnd = false
  /// Whether it is stopped for its tracer.
  var isInTraceStop = false
  /// The last stop of its process that it has told its tracer of (`ProcessSignals.stopSequence`).
  var seenStop: UInt32 = 0
  /// What sigtimedwait(2) waits for of what was blocked before: not blocked meanwhile, and not dropped although it be
  /// ignored.
  var waitedFor: SignalSet = []

  // MARK: The thread's own

  /// The mask that comes back when a call that has changed it for its own duration is over (sigsuspend(2),
  /// ppoll(2)): after the handler, or at once where none runs.
  var savedMask: SignalSet?
  var alternateStack = AlternateSignalStack.initial
  /// How restart_syscall(2) goes on.
  var restart = RestartBlock.none
  /// Whether it was an i386 call that last asked for a restart: its number of restart_syscall(2) is another.
  var restartsI386Call = false
  /// The last exception in user mode, as a signal's frame shows it: number, error code, address.
  var trapNumber: UInt64 = 0
  var trapErrorCode: UInt64 = 0
  var trapAddress: UInt64 = 0
  /// Whether its FPU state has been lost. Set without a lock, in the middle of a switch.
  var hasLostState = false
}

/// What a process has to do with signals, under its `signalLock`.
struct ProcessSignals {
  /// Signals for whichever thread takes them.
  var pending = PendingSignals()
  /// Replaced in execve(2) alone.
  var actions: SignalActions
  /// A record that is kept for the next signal, so that most need no memory.
  private var spare: PendingSignals.Record?
  /// Whether its threads are to stop; `stopSignal` says why.
  var isStopping = false
  var stopSignal = Signal.stop
  /// Changes with each stop signal, so that a tracee that its tracer has let go on stops again with the next.
  var stopSequence: UInt32 = 0
  /// The thread that writes a core; nil for none. The others wait until it is over.
  var dumpingThread: ThreadPointer?
  /// How many of them do.
  var threadsAtEnd = 0
  /// Whether SIGKILL has come meanwhile: what there is of the core by then is all. Read without the lock too.
  var isDumpEnded = false
  /// How many of its threads are traced.
  var traceeCount = 0
  /// How many of its threads have.
  var stoppedCount = 0
  /// Changes with each SIGCONT, so that a stop that was decided before does not come after.
  var continueCount: UInt32 = 0
  /// Whether its parent is to be told that it goes on.
  var owesContinuedNotice = false
  /// A stop that its parent has not waited for: a status for wait4; 0 for none.
  var stopReport: Int32 = 0
  /// Whether it has gone on since, and its parent has not waited for that.
  var hasContinueReport = false
  /// Whether signals with the default action spare it: the first process.
  var isUnkillable = false

  init(actions: SignalActions) {
    self.actions = actions
  }

  /// Keeps a record that is not needed any more, or returns it to be freed.
  @inline(__always)
  mutating func keepSpare(_ record: PendingSignals.Record) -> PendingSignals.Record? {
    if spare != nil { return record }
    spare = record
    return nil
  }

  @inline(__always)
  mutating func takeSpare() -> PendingSignals.Record? {
    let record = spare
    spare = nil
    return record
  }
}

/// How a call goes on that a signal has interrupted, where no handler ran (restart_syscall(2)).
enum RestartBlock: Sendable {
  case none
  /// nanosleep(2): until a time in TSC ticks. The address is where the rest is reported; 0 for nowhere.
  case sleep(deadline: UInt64, remaining: UInt64)
  /// futex(2): waits for a word that is still as expected, until a time in TSC ticks.
  case futex(address: UInt64, isPrivate: Bool, expected: UInt32, bits: UInt32, deadline: UInt64)
  /// poll(2), until a time in TSC ticks.
  case poll(address: UInt64, count: UInt64, deadline: UInt64)
}
