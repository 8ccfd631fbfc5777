import Core
import Machine

/// The stops of a tracee, in the tracee's own thread (ptrace(2), "Stopped states").
enum TraceStops {
  /// Whether a stopped tracee cannot stay so. The signal lock is held.
  static func mustGoOn(_ tracee: Tracee, _ thread: ThreadPointer) -> Bool {
    if !tracee.state.mayStay { return true }
    if thread.pointee.signals.isAtEnd { return tracee.isKilledAtEnd }
    return isEnding(tracee.process, thread)
  }

  private static func isEnding(_ process: Process, _ thread: ThreadPointer) -> Bool {
    process.isExiting.load() != 0 || thread.pointee.isToEnd
      || process.signals.pending.signals.union(thread.pointee.signals.pending.signals).contains(.kill)
  }

  /// What a stop is.
  struct Description {
    var stop: TraceState.Stop
    /// The signal, and in bits 8 to 15 the event.
    var code: Int32
    var information: SignalInformation?
    var message: UInt64 = 0
    /// Whether the thread takes part in a stop of its process.
    var isOfProcess = false
  }

  /// The current thread stops until its tracer has it go on, or it is killed. Entered with the signal lock held, left
  /// without.
  ///
  /// - Returns: the signal that it is to go on with; 0 for none.
  private static func stop(
    _ tracee: Tracee, _ thread: ThreadPointer, _ description: Description, _ wereEnabled: Bool
  ) -> UInt8 {
    let process = tracee.process
    if !thread.pointee.signals.isAtEnd, isEnding(process, thread) {
      process.signalLock.release(wereEnabled)
      return 0
    }
    tracee.state.begin(description.stop, code: description.code)
    tracee.information = description.information
    if description.stop != .signalDelivery, description.stop != .group { tracee.message = description.message }
    thread.pointee.signals.isInTraceStop = true
    let hasProcessStopped = description.isOfProcess && GroupStop.takePart(process, thread)
    let stopStatus = WaitStatus.stopped(by: process.signals.stopSignal)
    process.signalLock.release(wereEnabled)

    Processes.tellTracer(of: tracee, isProcessStop: description.isOfProcess)
    if hasProcessStopped { Processes.tellParent(of: process, stopStatus, besideTracerOf: tracee) }
    while true {
      let wereEnabled = process.signalLock.acquire()
      if mustGoOn(tracee, thread) {
        let signal = tracee.state.injectedSignal
        tracee.state.end()
        thread.pointee.signals.isInTraceStop = false
        // Its registers may be others now, and the flags may ask for a single step.
        thread.pointee.head.needsFullFrame = 1
        // What came meanwhile is looked at before the next instruction. A call that is about to begin would take it for
        // a signal that interrupts it, and so wants it to be one.
        if description.stop != .systemCallEntry || SignalDelivery.isDue(process, thread)
          || !UserRegisters.isCanonical(thread.userFrame.pointee.rip)
        {
          thread.pointee.head.hasSignal = 1
        }
        process.signalLock.release(wereEnabled)
        return signal
      }
      Sleep.markBlocked(thread, until: nil, isInterruptible: false)
      process.signalLock.release(wereEnabled)
      Scheduler.block()
    }
  }

  // MARK: Signals

  /// A signal is about to be delivered to a tracee: its tracer may change it or take it away.
  ///
  /// - Returns: whether there is one left to be delivered.
  static func deliver(
    _ information: inout SignalInformation, _ process: Process, _ thread: ThreadPointer
  ) -> Bool {
    let wereEnabled = process.signalLock.acquire()
    guard let tracee = thread.pointee.tracee else {
      process.signalLock.release(wereEnabled)
      return true
    }
    let description = Description(stop: .signalDelivery, code: information.number, information: information)
    let number = stop(tracee, thread, description, wereEnabled)
    guard let signal = Signal(rawValue: number) else { return false }
    if Int32(number) == information.number {
      // PTRACE_SETSIGINFO may have changed what it tells.
      if let changed = tracee.information { information = changed }
      information.number = Int32(number)
    } else {
      let (identifier, user) = tracerIdentity(tracee)
      information = .fromProcess(signal, process: identifier, user: user)
    }
    guard signal != .kill, thread.pointee.signals.blocked.contains(signal) else { return true }
    Signals.send(information, toThread: thread)
    return false
  }

  private static func tracerIdentity(_ tracee: Tracee) -> (Int32, UInt32) {
    Processes.lock.withLock {
      guard let tracer = tracee.tracer else { return (0, 0) }
      return (tracer.identifier, Signals.userIdentifier(of: tracer))
    }
  }

  /// Stops where the tracer or the process has asked for it. Entered with the signal lock held.
  ///
  /// - Returns: whether the thread has stopped, and the lock has been released.
  static func stopIfAsked(_ process: Process, _ thread: ThreadPointer, _ wereEnabled: Bool) -> Bool {
    guard let tracee = thread.pointee.tracee, isAsked(of: tracee, process, thread) else { return false }
    thread.pointee.signals.seenStop = process.signals.stopSequence
    guard tracee.isSeized else {
      tracee.state.clearNotice()
      let signal = Int32(process.signals.stopSignal.rawValue)
      _ = stop(tracee, thread, Description(stop: .group, code: signal, isOfProcess: true), wereEnabled)
      return true
    }
    let signal = process.signals.isStopping ? process.signals.stopSignal : .trap
    let code = Int32(signal.rawValue) | TraceEvent.stop.rawValue << 8
    _ = stop(
      tracee, thread,
      Description(
        stop: .trap, code: code, information: information(of: process, signal, code: code),
        isOfProcess: process.signals.isStopping), wereEnabled)
    return true
  }

  /// Whether a tracee is to stop for its tracer or its process. The signal lock is held.
  static func isAsked(of tracee: Tracee, _ process: Process, _ thread: ThreadPointer) -> Bool {
    process.signals.isStopping && thread.pointee.signals.seenStop != process.signals.stopSequence
      || tracee.state.wantsTrap
  }

  private static func information(
    of process: Process, _ signal: Signal = .trap, code: Int32
  ) -> SignalInformation {
    .fromProcess(
      signal, process: Scheduler.current.pointee.identifier, user: Signals.userIdentifier(of: process), code: code)
  }

  /// A handler is about to run whose thread goes on by single steps: it stops before the handler's first instruction.
  static func handlerBegins(_ process: Process, _ thread: ThreadPointer) {
    notify(process, thread, .event, code: Int32(Signal.trap.rawValue), message: 0)
  }

  // MARK: System calls

  /// Before a system call, or after it.
  static func systemCall(isEntry: Bool) {
    let thread = Scheduler.current
    guard let process = thread.pointee.process else { return }
    let isMarked = options(of: thread, process).contains(.marksSystemCalls)
    let code = Int32(Signal.trap.rawValue) | (isMarked ? 0x80 : 0)
    let signal = notify(
      process, thread, isEntry ? .systemCallEntry : .systemCallExit, code: code, message: isEntry ? 1 : 2)
    if let signal = Signal(rawValue: signal) { Signals.send(.fromKernel(signal), toThread: thread) }
  }

  /// Whether the current thread is on its way out and must not begin a call.
  static var isCurrentEnding: Bool {
    let thread = Scheduler.current
    guard let process = thread.pointee.process else { return false }
    return process.signalLock.withLock { isEnding(process, thread) }
  }

  // MARK: Events

  /// An event of the current thread, where its tracer has asked for it.
  @inline(__always)
  static func event(_ event: TraceEvent, message: UInt64) {
    if Scheduler.current.pointee.head.isTraced != 0 { eventOfTracee(event, message) }
  }

  @inline(never)
  private static func eventOfTracee(_ event: TraceEvent, _ message: UInt64) {
    let thread = Scheduler.current
    guard let process = thread.pointee.process, hasAskedFor(event, thread, process) else { return }
    let code = Int32(Signal.trap.rawValue) | event.rawValue << 8
    let signal = notify(process, thread, .event, code: code, message: message)
    if let signal = Signal(rawValue: signal) { Signals.send(.fromKernel(signal), toThread: thread) }
  }

  static func hasAskedFor(_ event: TraceEvent, _ thread: ThreadPointer, _ process: Process) -> Bool {
    guard let option = event.option else { return false }
    return options(of: thread, process).contains(option)
  }

  /// The current thread has begun a new program.
  static func executed(_ thread: ThreadPointer, _ process: Process, old identifier: Int32) {
    guard thread.pointee.head.isTraced != 0 else { return }
    if hasAskedFor(.execute, thread, process) {
      event(.execute, message: UInt64(identifier))
    } else if process.signalLock.withLock({ thread.pointee.tracee.map { !$0.isSeized } ?? false }) {
      // As it was before there were options.
      Signals.send(
        .fromProcess(.trap, process: process.identifier, user: Signals.userIdentifier(of: process)),
        toThread: thread)
    }
  }

  /// The current thread ends.
  static func ending(_ thread: ThreadPointer, status: Int32) {
    thread.pointee.signals.isAtEnd = true
    event(.exit, message: UInt64(UInt32(bitPattern: status)))
  }

  /// All threads of a process are to end, or all but one: those that have stopped on their way out stay so no longer.
  /// Who begins to end after this stops as usual. No lock is held.
  static func endLast(of process: Process) {
    if process.signals.traceeCount == 0 { return }
    process.signalLock.withLock {
      process.forEachThreadWithSignalsLocked { thread in
        guard let tracee = thread.pointee.tracee, thread.pointee.signals.isAtEnd else { return }
        tracee.isKilledAtEnd = true
        Signals.notify(thread)
      }
    }
  }

  private static func options(of thread: ThreadPointer, _ process: Process) -> TraceOptions {
    process.signalLock.withLock { thread.pointee.tracee?.options ?? [] }
  }

  @discardableResult
  private static func notify(
    _ process: Process, _ thread: ThreadPointer, _ stop: TraceState.Stop, code: Int32, message: UInt64
  ) -> UInt8 {
    let told = information(of: process, code: code)
    let wereEnabled = process.signalLock.acquire()
    guard let tracee = thread.pointee.tracee else {
      process.signalLock.release(wereEnabled)
      return 0
    }
    return self.stop(
      tracee, thread, Description(stop: stop, code: code, information: told, message: message), wereEnabled)
  }
}
