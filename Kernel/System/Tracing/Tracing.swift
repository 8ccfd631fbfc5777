import Core
import Machine

/// Who traces whom (ptrace(2)).
///
/// The ties are guarded by the lock of `Processes`; what a tracee does, by its process's signal lock inside of it.
enum Tracing {
  // MARK: Attaching

  /// PTRACE_TRACEME: the current thread becomes the tracee of its process's parent.
  static func traceMe() throws(Errno) {
    let thread = Scheduler.current
    let process = thread.pointee.process!
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let isDone = Processes.lock.withLock {
      guard let parent = process.parent, thread.pointee.head.isTraced == 0 else { return false }
      let tracee = Tracee(
        process, thread, tracer: parent, tracerThread: liveThread(process.creator, of: parent), isSeized: false)
      process.signalLock.withLock { link(tracee, to: thread) }
      enlist(tracee)
      return true
    }
    guard isDone else { throw .notPermitted }
  }

  /// The thread that a parent's child was made by, or the parent's first one where that has ended.
  private static func liveThread(_ identifier: Int32, of process: Process) -> Int32 {
    process.signalLock.withLock {
      var found = process.identifier
      process.forEachThreadWithSignalsLocked { if $0.pointee.identifier == identifier { found = identifier } }
      return found
    }
  }

  /// PTRACE_ATTACH and PTRACE_SEIZE. Waits where the process is in execve(2), which has asked whether it is traced.
  static func attach(to identifier: Int32, isSeized: Bool, _ options: TraceOptions) throws(Errno) {
    let tracer = Scheduler.current.pointee.process!
    guard let process = Threads.process(ofThread: identifier) else {
      throw identifier > 0 && Processes.find(identifier) != nil ? .notPermitted : .noProcess
    }
    guard process !== tracer else { throw .notPermitted }
    var isAttached = false
    while !isAttached {
      let executions = try process.waitForExecutions()
      guard ProcessAccess.mayTrace(process), Frames.freeCount > Frames.reserve else { throw .notPermitted }
      RaceWidening.point()
      isAttached = try attach(to: identifier, of: process, executions, isSeized: isSeized, options)
    }
    if !isSeized { _ = Signals.send(.fromKernel(.stop), to: process, thread: identifier) }
  }

  /// - Parameter executions: how many the process had begun when the caller was found to have the right.
  /// - Returns: false where another one has begun since.
  private static func attach(
    to identifier: Int32, of process: Process, _ executions: UInt64, isSeized: Bool, _ options: TraceOptions
  ) throws(Errno) -> Bool {
    let current = Scheduler.current
    let tracer = current.pointee.process!
    var failure: Errno?
    var isCurrent = true
    Processes.lock.withLock {
      let tracee: Tracee? = process.signalLock.withLock {
        guard process.executions.settledCount == executions else {
          isCurrent = false
          return nil
        }
        var found: ThreadPointer?
        process.forEachThreadWithSignalsLocked { if $0.pointee.identifier == identifier { found = $0 } }
        guard let thread = found, process.isExiting.load() == 0 else {
          failure = .noProcess
          return nil
        }
        guard thread.pointee.head.isTraced == 0 else {
          failure = .notPermitted
          return nil
        }
        let tracee = Tracee(
          process, thread, tracer: tracer, tracerThread: current.pointee.identifier, isSeized: isSeized)
        tracee.options = options
        link(tracee, to: thread)
        // One that is stopped already tells its tracer that it is.
        if process.signals.isStopping { Signals.notify(thread) }
        return tracee
      }
      if let tracee { enlist(tracee) }
    }
    if let failure { throw failure }
    return isCurrent
  }

  /// A thread that a tracee has made, and that has not started, is traced by the same tracer.
  static func attachChild(_ child: ThreadPointer, of process: Process, from parent: ThreadPointer) {
    guard Frames.freeCount > Frames.reserve else { return }
    Processes.lock.withLock {
      guard let parentProcess = parent.pointee.process,
        let tracee = parentProcess.signalLock.withLock({ parent.pointee.tracee }), let tracer = tracee.tracer
      else { return }
      let new = Tracee(
        process, child, tracer: tracer, tracerThread: tracee.tracerThread, isSeized: tracee.isSeized)
      new.options = tracee.options
      process.signalLock.withLock {
        link(new, to: child)
        if new.isSeized { new.state.interrupt() } else { child.pointee.signals.pending.mark(.stop) }
        child.pointee.head.hasSignal = 1
      }
      enlist(new)
    }
  }

  /// Puts a tracee on its tracer's list. The lock of `Processes` is held.
  private static func enlist(_ tracee: Tracee) {
    tracee.next = tracee.tracer?.firstTracee
    tracee.tracer?.firstTracee = tracee
    if tracee.isLeader { tracee.process.leaderTracee = tracee }
  }

  /// The thread knows from here on that it is traced. Both locks are held.
  private static func link(_ tracee: Tracee, to thread: ThreadPointer) {
    thread.pointee.tracee = tracee
    thread.pointee.head.isTraced = 1
    tracee.process.signals.traceeCount += 1
    // A stop of its process is to be told to the tracer, whether or not the thread takes part in it already.
    thread.pointee.signals.seenStop = tracee.process.signals.stopSequence &- 1
  }

  /// A traced thread has left its process. No lock is held.
  ///
  /// - Parameter status: how it ended; that of a process's first thread is the process's.
  static func ended(_ tracee: Tracee, status: Int32) {
    if tracee.isLeader { return }
    let user = Signals.userIdentifier(of: tracee.process)
    let (code, value) = WaitStatus.childInformation(status)
    let tracer: Process? = Processes.lock.withLock {
      guard let tracer = tracee.tracer else { return nil }
      tracee.endStatus = status
      tracer.childEvents.add(1)
      Signals.send(
        .child(
          .child, code: code, process: tracee.identifier, user: user, status: value, userTime: 0, systemTime: 0),
        to: tracer)
      return tracer
    }
    tracer?.changed.wake()
  }

  // MARK: Detaching

  /// Nobody traces it any more. The lock of `Processes` is held, and the caller refers to the tracee.
  ///
  /// - Parameter signal: what a thread that is stopped goes on with.
  static func unlink(_ tracee: Tracee, signal: UInt8 = 0) {
    if let tracer = tracee.tracer {
      if tracer.firstTracee === tracee {
        tracer.firstTracee = tracee.next
      } else {
        var previous = tracer.firstTracee
        while let candidate = previous, candidate.next !== tracee { previous = candidate.next }
        previous?.next = tracee.next
      }
    }
    tracee.next = nil
    tracee.tracer = nil
    if tracee.process.leaderTracee === tracee { tracee.process.leaderTracee = nil }
    tracee.process.signalLock.withLock {
      guard let thread = tracee.thread else { return }
      tracee.thread = nil
      thread.pointee.tracee = nil
      thread.pointee.head.isTraced = 0
      thread.setTracedCalls(0)
      tracee.process.signals.traceeCount -= 1
      // The frame of a thread that runs is not to be touched.
      if tracee.state.stop != .none { TraceRegisters.endStep(of: tracee, thread) }
      tracee.state.resume(signal: signal)
      // It stops again where its process is stopped.
      Signals.notify(thread)
    }
  }

  /// A thread ends: what it traces goes on without it, or is killed (PTRACE_O_EXITKILL).
  static func tracerEnds(_ process: Process, thread identifier: Int32) {
    while true {
      // Released after the lock.
      var tracee: Tracee?
      var parent: Process?
      Processes.lock.withLock {
        var next = process.firstTracee
        while let candidate = next, candidate.tracerThread != identifier { next = candidate.next }
        guard let found = next else { return }
        tracee = found
        if found.options.contains(.killsAtEnd), found.process.ending == nil {
          Signals.send(.fromKernel(.kill), to: found.process)
        }
        let isZombie = found.isLeader && found.process.ending != nil
        unlink(found)
        if isZombie { parent = Processes.giveToParent(found.process, after: process) }
      }
      parent?.changed.wake()
      guard tracee != nil else { return }
    }
  }

  /// A process has ended, and nobody becomes its tracee from here on. The lock of `Processes` is held.
  ///
  /// - Parameter released: gets the tracees in front, to be released after the lock.
  static func releaseAll(of process: Process, _ released: inout Tracee?) {
    while let tracee = process.firstTracee {
      if tracee.options.contains(.killsAtEnd), tracee.process.ending == nil {
        Signals.send(.fromKernel(.kill), to: tracee.process)
      }
      unlink(tracee)
      tracee.next = released
      released = tracee
    }
  }

  // MARK: For requests

  /// The tracee of the current thread that an identifier names.
  static func find(_ identifier: Int32) throws(Errno) -> Tracee {
    let current = Scheduler.current
    let tracer = current.pointee.process!
    let found: Tracee? = Processes.lock.withLock {
      var next = tracer.firstTracee
      while let tracee = next {
        if tracee.identifier == identifier, tracee.tracerThread == current.pointee.identifier { return tracee }
        next = tracee.next
      }
      return nil
    }
    guard let found else { throw .noProcess }
    return found
  }

  /// Keeps a stopped tracee where it is, so that it can be looked at and changed: its registers lie in its frame and
  /// its FPU area, and nothing wakes it.
  ///
  /// - Throws: ESRCH where it is not stopped.
  static func freeze(_ tracee: Tracee) throws(Errno) -> ThreadPointer {
    while true {
      var isStopped = false
      let frozen: ThreadPointer? = tracee.process.signalLock.withLock {
        guard let thread = tracee.thread, tracee.state.isUsable else { return nil }
        isStopped = true
        return Scheduler.freeze(thread) ? thread : nil
      }
      if let frozen { return frozen }
      guard isStopped else { throw .noProcess }
      // It has said that it stops, and is about to.
      Scheduler.yield()
    }
  }

  /// Ends what `freeze` began. A tracee that has been resumed or killed meanwhile goes on.
  static func thaw(_ tracee: Tracee, _ thread: ThreadPointer) {
    tracee.process.signalLock.withLock {
      Scheduler.thaw(thread)
      if TraceStops.mustGoOn(tracee, thread) { Scheduler.wake(thread) }
    }
  }

  /// PTRACE_INTERRUPT
  static func interrupt(_ tracee: Tracee) throws(Errno) {
    guard tracee.isSeized else { throw .inputOutput }
    tracee.process.signalLock.withLock {
      guard let thread = tracee.thread else { return }
      tracee.state.interrupt()
      Signals.notify(thread)
    }
  }

  /// The identifier of the thread that traces a thread, for /proc/PID/status; 0 for none.
  static func tracer(of process: Process, thread identifier: Int32?) -> Int32 {
    Processes.lock.withLock {
      let tracee: Tracee? = process.signalLock.withLock {
        var found: Tracee?
        process.forEachThreadWithSignalsLocked { thread in
          if thread.pointee.identifier == identifier ?? process.identifier { found = thread.pointee.tracee }
        }
        return found
      }
      return tracee?.tracer == nil ? 0 : tracee?.tracerThread ?? 0
    }
  }

  // MARK: execve(2)

  /// The current thread, the only one of its process now, has taken the process's identifier.
  ///
  /// - Parameter old: the thread's identifier before.
  static func identifierChanged(of thread: ThreadPointer, _ process: Process, from old: Int32) {
    guard old != process.identifier else { return }
    var dropped: Tracee?
    Processes.lock.withLock {
      var next = process.firstTracee
      while let tracee = next {
        if tracee.tracerThread == old { tracee.tracerThread = process.identifier }
        next = tracee.next
      }
      // The first thread has gone without a word: its identifier lives on.
      dropped = process.leaderTracee
      if let dropped { unlink(dropped) }
      guard let own = process.signalLock.withLock({ thread.pointee.tracee }) else { return }
      own.identifier = process.identifier
      process.leaderTracee = own
    }
    withExtendedLifetime(dropped) {}
  }

  /// Whether the current thread's tracer may not see it gain privileges (execve(2)).
  static func forbidsPrivileges(_ thread: ThreadPointer) -> Bool {
    guard thread.pointee.head.isTraced != 0, let process = thread.pointee.process else { return false }
    return Processes.lock.withLock {
      guard let tracer = process.signalLock.withLock({ thread.pointee.tracee })?.tracer else { return false }
      return !tracer.attributes.credentials.effective.contains(.trace)
    }
  }
}
