import Core
import Machine

/// Stopping all threads of a process, and letting them go on.
enum GroupStop {
  /// How many processes are stopped or about to be: mostly none, which spares a process that ends a search.
  nonisolated(unsafe) private static var count = AtomicWord()
  static var hasAny: Bool { count.load() != 0 }

  /// Has every thread stop. The signal lock is held.
  static func begin(_ process: Process, _ signal: Signal) {
    process.signals.stopSequence &+= 1
    if process.signals.isStopping {
      // Those that their tracers have let go on stop again.
      process.forEachThreadWithSignalsLocked { if $0.pointee.head.isTraced != 0 { Signals.notify($0) } }
      return
    }
    process.signals.isStopping = true
    count.add(1)
    process.signals.stopSignal = signal
    process.signals.stoppedCount = 0
    process.signals.hasContinueReport = false
    process.forEachThreadWithSignalsLocked(Signals.notify)
  }

  /// Lets every thread go on. The signal lock is held.
  static func end(_ process: Process) {
    process.signals.continueCount &+= 1
    if process.signals.traceeCount > 0 { tellSeizedTracees(process) }
    guard process.signals.isStopping else { return }
    let wasStopped = process.signals.stoppedCount == process.threadCount
    process.signals.isStopping = false
    count.subtract(1)
    process.signals.stoppedCount = 0
    process.signals.stopReport = 0
    if wasStopped {
      process.signals.hasContinueReport = true
      process.signals.owesContinuedNotice = true
    }
    process.forEachThreadWithSignalsLocked { thread in
      thread.pointee.signals.isStopped = false
      Signals.notify(thread)
    }
  }

  /// Tracees that were seized stop anew when their process goes on. The signal lock is held.
  private static func tellSeizedTracees(_ process: Process) {
    process.forEachThreadWithSignalsLocked { thread in
      guard let tracee = thread.pointee.tracee, tracee.isSeized else { return }
      tracee.state.notice()
      Signals.notify(thread)
    }
  }

  /// A thread takes part in the stop of its process. The signal lock is held.
  ///
  /// - Returns: whether it is the last, so that the parent is to be told.
  static func takePart(_ process: Process, _ thread: ThreadPointer) -> Bool {
    guard process.signals.isStopping, !thread.pointee.signals.isStopped else { return false }
    thread.pointee.signals.isStopped = true
    process.signals.stoppedCount += 1
    guard process.signals.stoppedCount == process.threadCount else { return false }
    process.signals.stopReport = WaitStatus.stopped(by: process.signals.stopSignal)
    return true
  }

  /// The current thread stops, with the signal lock held, and comes back without it when it is to go on or to end.
  static func stopHere(_ process: Process, _ thread: ThreadPointer, _ wereEnabled: Bool) {
    let isLast = takePart(process, thread)
    process.signalLock.release(wereEnabled)
    if isLast { Processes.tellParent(of: process, WaitStatus.stopped(by: process.signals.stopSignal)) }
    while true {
      let wereEnabled = process.signalLock.acquire()
      let mayGoOn =
        !thread.pointee.signals.isStopped || thread.pointee.head.isTraced != 0 || process.isExiting.load() != 0 || thread.pointee.isToEnd
        || process.signals.pending.signals.union(thread.pointee.signals.pending.signals).contains(.kill)
      if mayGoOn {
        // A tracee still counts as stopped: it tells its tracer so.
        if thread.pointee.signals.isStopped, thread.pointee.head.isTraced == 0 {
          thread.pointee.signals.isStopped = false
          process.signals.stoppedCount -= 1
        }
        process.signalLock.release(wereEnabled)
        return
      }
      Sleep.markBlocked(thread, until: nil, isInterruptible: false)
      process.signalLock.release(wereEnabled)
      Scheduler.block()
    }
  }

  /// A thread has left a process that is about to stop: the others may all have. The signal lock is held.
  ///
  /// - Returns: the status that the parent is to be told, or nil.
  static func threadLeft(_ process: Process) -> Int32? {
    guard process.signals.isStopping else { return nil }
    if process.threadCount == 0 {
      process.signals.isStopping = false
      count.subtract(1)
      return nil
    }
    guard process.signals.stoppedCount == process.threadCount, process.signals.stopReport == 0
    else { return nil }
    process.signals.stopReport = WaitStatus.stopped(by: process.signals.stopSignal)
    return process.signals.stopReport
  }
}
