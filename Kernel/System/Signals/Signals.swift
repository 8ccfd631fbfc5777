import Core
import Machine

/// Sending signals (signal(7)). In any context, interrupts included, unless said otherwise.
public enum Signals {
  // MARK: To a process

  /// Sends a signal to a process, for whichever of its threads takes it.
  ///
  /// - Parameter identifier: the thread that is asked first, and decides whether the signal is ignored; 0 for the
  ///   process's first one.
  /// - Returns: false where it had to be queued and could not be (EAGAIN).
  @discardableResult
  static func send(_ information: SignalInformation, to process: Process, for identifier: Int32 = 0) -> Bool {
    process.signalLock.withLock { enqueue(information, process, nil, for: identifier) }
  }

  /// Sends a parent or a tracer the SIGCHLD of an end or of a stop, unless it ignores that (SA_NOCLDSTOP). What it does
  /// with the signal is looked at in the same step: once sigaction(2) has returned, none comes by the old one.
  ///
  /// - Returns: the action.
  @discardableResult
  static func sendOfChild(
    _ information: SignalInformation, to process: Process, for identifier: Int32, isEnd: Bool
  ) -> SignalAction {
    process.signalLock.withLock {
      let action = process.signalAction(.child)
      if !action.isIgnore, isEnd || !action.flags.contains(.noChildStop) {
        _ = enqueue(information, process, nil, for: identifier)
      }
      return action
    }
  }

  /// As above for one that tells nothing but that the kernel has sent it.
  @discardableResult
  static func send(_ signal: Signal, to process: Process) -> Bool {
    send(.fromKernel(signal), to: process)
  }

  /// Sends a signal to every process of a group.
  ///
  /// - Returns: whether there is one.
  @discardableResult
  static func sendToGroup(_ information: SignalInformation, _ group: Int32) -> Bool {
    var isFound = false
    Processes.forEach { process in
      if process.group == group, process.ending == nil {
        isFound = true
        send(information, to: process)
      }
    }
    return isFound
  }

  @discardableResult
  static func sendToGroup(_ signal: Signal, _ group: Int32) -> Bool {
    sendToGroup(.fromKernel(signal), group)
  }

  // MARK: To a thread

  /// Sends a signal to a thread, which is the current one or cannot end meanwhile.
  @discardableResult
  static func send(_ information: SignalInformation, toThread thread: ThreadPointer) -> Bool {
    guard let process = thread.pointee.process else { return true }
    return process.signalLock.withLock { enqueue(information, process, thread) }
  }

  /// Sends a signal to the current thread, for what it did by a call: it says that the process sent it itself.
  static func sendForCall(_ signal: Signal) {
    let thread = Scheduler.current
    guard let process = thread.pointee.process else { return }
    send(.fromProcess(signal, process: process.identifier, user: process.credentials.user.real), toThread: thread)
  }

  /// Sends a signal to the thread of a process that has this identifier.
  ///
  /// - Returns: nil where there is none; else as `send`.
  static func send(_ information: SignalInformation?, to process: Process, thread identifier: Int32) -> Bool? {
    process.signalLock.withLock {
      var result: Bool?
      process.forEachThreadWithSignalsLocked { thread in
        if thread.pointee.identifier != identifier { return }
        result = information.map { enqueue($0, process, thread) } ?? true
      }
      return result
    }
  }

  /// The current thread has earned a signal by an instruction: it cannot be blocked or ignored, since the
  /// instruction would only fault again.
  static func post(_ information: SignalInformation, to thread: ThreadPointer) {
    guard let process = thread.pointee.process else { return }
    process.signalLock.withLock {
      force(information.signal, process, thread)
      _ = enqueue(information, process, thread)
    }
  }

  /// Has a signal arrive whatever the program has asked for. The signal lock is held.
  private static func force(_ signal: Signal, _ process: Process, _ thread: ThreadPointer) {
    let set = SignalSet(signal)
    let action = process.signals.actions[signal]
    if action.isIgnore || thread.pointee.signals.blocked.contains(set) {
      process.signals.actions.reset(signal)
      thread.pointee.signals.blocked.subtract(set)
      process.signals.isUnkillable = false
    } else if action.isDefault {
      process.signals.isUnkillable = false
    }
  }

  /// The frame of a signal could not be written: SIGSEGV, and the end where that was the signal.
  static func forceSegmentationFault(_ thread: ThreadPointer, after signal: Signal?) {
    guard let process = thread.pointee.process else { return }
    if signal == .segmentationFault { process.signals.actions.reset(.segmentationFault) }
    post(.fromKernel(.segmentationFault), to: thread)
  }

  /// A thread's FPU state could not be loaded: it gets SIGSEGV. By the CPU that runs or is about to run it, with any
  /// lock held.
  static func stateLost(of thread: ThreadPointer) {
    thread.pointee.signals.hasLostState = true
    thread.pointee.head.hasSignal = 1
  }

  // MARK: The work

  /// The signal lock is held.
  private static func enqueue(
    _ information: SignalInformation, _ process: Process, _ thread: ThreadPointer?, for identifier: Int32 = 0
  ) -> Bool {
    let signal = information.signal
    guard process.isExiting.load() == 0, process.threadCount > 0 else {
      if signal == .kill {
        if process.signals.traceeCount > 0 { endLastStops(process) }
        if process.signals.dumpingThread != nil { process.signals.isDumpEnded = true }
      }
      return true
    }
    takeBack(signal, process)
    let addressee = thread ?? process.addresseeWithSignalsLocked(identifier)
    if isDropped(information, process, addressee) { return true }
    if thread?.pointee.signals.pending.isSuperfluous(signal) ?? process.signals.pending.isSuperfluous(signal) {
      return true
    }
    // What a program has chosen to queue counts against its limit; the kernel's own does not.
    let isLimited = signal.isRealTime || information.code < 0
    var spare = isLimited ? nil : process.signals.takeSpare()
    spare?.pointee.information = information
    if spare == nil {
      spare = SignalRecords.make(
        information, user: process.attributes.credentials.user.real,
        limit: isLimited ? process.queuedSignalLimit : nil)
    }
    if let record = spare {
      if let thread { thread.pointee.signals.pending.append(record) } else { process.signals.pending.append(record) }
    } else {
      if signal.isRealTime, information.code != SignalCode.user { return false }
      if let thread { thread.pointee.signals.pending.mark(signal) } else { process.signals.pending.mark(signal) }
    }
    tell(signal, process, thread, addressee)
    return true
  }

  /// SIGKILL for a process that is ending already: tracees do not stop on their way out any more.
  private static func endLastStops(_ process: Process) {
    process.forEachThreadWithSignalsLocked { thread in
      thread.pointee.tracee?.isKilledAtEnd = true
      notify(thread)
    }
  }

  /// Queues a timer's own record, or counts an overrun where it is queued still. The timer's process is `process`.
  ///
  /// - Parameter expiries: how many there have been since the last time, at least 1.
  static func send(
    _ record: PendingSignals.Record, to process: Process, thread identifier: Int32?, expiries: UInt64
  ) {
    let count = Int32(clamping: expiries)
    process.signalLock.withLock {
      guard process.isExiting.load() == 0, process.threadCount > 0 else { return }
      if record.pointee.isQueued {
        let (sum, overflows) = record.pointee.information.overrun.addingReportingOverflow(count)
        record.pointee.information.overrun = overflows ? .max : sum
        return
      }
      record.pointee.information.overrun = count - 1
      let signal = record.pointee.information.signal
      var thread: ThreadPointer?
      if let identifier {
        process.forEachThreadWithSignalsLocked { if $0.pointee.identifier == identifier { thread = $0 } }
        if thread == nil { return }
      }
      let addressee = thread ?? process.addresseeWithSignalsLocked(0)
      if isDropped(record.pointee.information, process, addressee) { return }
      if let thread { thread.pointee.signals.pending.append(record) } else { process.signals.pending.append(record) }
      tell(signal, process, thread, addressee)
    }
  }

  /// A stop takes back SIGCONT, and SIGCONT takes back stops: even where it is blocked or ignored.
  @inline(__always)
  private static func takeBack(_ signal: Signal, _ process: Process) {
    if SignalSet.stops.union(SignalSet(.continue)).contains(signal) { takeBackOpposite(signal, process) }
  }

  @inline(never)
  private static func takeBackOpposite(_ signal: Signal, _ process: Process) {
    let isStop = signal != .continue
    let opposite = isStop ? SignalSet(.continue) : SignalSet.stops
    process.signals.pending.removeAll(opposite, free: SignalRecords.free)
    process.forEachThreadWithSignalsLocked {
      $0.pointee.signals.pending.removeAll(opposite, free: SignalRecords.free)
    }
    if signal == .continue { GroupStop.end(process) }
  }

  /// Whether the process never learns of it, as the thread that it is aimed at has it. The signal lock is held.
  @inline(__always)
  private static func isDropped(
    _ information: SignalInformation, _ process: Process, _ addressee: ThreadPointer?
  ) -> Bool {
    let signal = information.signal
    if let addressee {
      // The action may be another one by the time it is unblocked.
      if addressee.pointee.signals.blocked.union(addressee.pointee.signals.waitedFor).contains(signal) {
        return false
      }
      // A tracer hears of signals that are ignored.
      if addressee.pointee.head.isTraced != 0, signal != .kill { return false }
    }
    let action = process.signalAction(signal)
    if process.signals.isUnkillable, action.isDefault, !information.isFromKernel || !isUnblockable(signal) {
      return true
    }
    return action.discards(signal)
  }

  private static func isUnblockable(_ signal: Signal) -> Bool { SignalSet.unblockable.contains(signal) }

  /// Has a thread that is to take the signal look for it. The signal lock is held.
  @inline(__always)
  private static func tell(
    _ signal: Signal, _ process: Process, _ thread: ThreadPointer?, _ addressee: ThreadPointer?
  ) {
    if process.signalWatchers == nil, signal != .kill, let thread = thread ?? process.onlyThreadWithSignalsLocked {
      if !thread.pointee.signals.blocked.contains(signal) { notify(thread) }
      return
    }
    tellOneOfMany(signal, process, thread, addressee)
  }

  @inline(never)
  private static func tellOneOfMany(
    _ signal: Signal, _ process: Process, _ thread: ThreadPointer?, _ addressee: ThreadPointer?
  ) {
    process.signalWatchers?.notify([.input, .inputNormal])
    if signal == .kill {
      process.forEachThreadWithSignalsLocked(notify)
      return
    }
    if let thread = thread ?? process.onlyThreadWithSignalsLocked {
      if !thread.pointee.signals.blocked.contains(signal) { notify(thread) }
      return
    }
    if let addressee, SignalTarget.isWilling(candidate(addressee), signal) {
      notify(addressee)
      return
    }
    var chosen: ThreadPointer?
    var unblocking: ThreadPointer?
    process.forEachThreadWithSignalsLocked { thread in
      // The first thread of the list is the youngest: the oldest willing one is told.
      if thread.pointee.signals.blocked.contains(signal) { return }
      unblocking = thread
      if SignalTarget.isWilling(candidate(thread), signal) { chosen = thread }
    }
    if let told = chosen ?? unblocking { notify(told) }
  }

  /// What is known of a thread that might be told. The signal lock is held.
  private static func candidate(_ thread: ThreadPointer) -> SignalTarget.Candidate {
    // A tracee that its tracer has let go on counts as stopped still, but runs.
    let isStopped = thread.pointee.signals.isStopped && thread.pointee.head.isTraced == 0
    return SignalTarget.Candidate(
      blocked: thread.pointee.signals.blocked, isEnding: thread.pointee.isToEnd,
      isStopped: isStopped || thread.pointee.signals.isInTraceStop,
      isRunning: Scheduler.isRunning(thread), hasSignal: thread.pointee.head.hasSignal != 0)
  }

  /// A thread does not see to these signals any more, since it blocks them from now on or ends: has others look for
  /// those of the process that it may have been told of. The signal lock is held.
  static func retarget(_ set: SignalSet, from thread: ThreadPointer, _ process: Process) {
    var left = process.signals.pending.signals.intersection(set)
    if left.isEmpty || process.isExiting.load() != 0 { return }
    // Whoever looks for signals anyway is enough: a thread that finds none would have been disturbed for nothing.
    process.forEachThreadWithSignalsLocked { other in
      if other != thread, other.pointee.head.hasSignal != 0 { left.subtract(candidate(other).takes(left)) }
    }
    process.forEachThreadWithSignalsLocked { other in
      if left.isEmpty || other == thread { return }
      let taken = candidate(other).takes(left)
      if taken.isEmpty { return }
      left.subtract(taken)
      notify(other)
    }
  }

  /// Has a thread look for what it is to do before its next user-mode instruction, and ends its waits.
  static func notify(_ thread: ThreadPointer) {
    thread.pointee.head.hasSignal = 1
    // The thread that executes this, or that an interrupt broke into, looks by itself: it does not block any more.
    if thread == Scheduler.current, thread.pointee.state == .runnable { return }
    Scheduler.wake(thread)
    Scheduler.interruptIfRunning(thread)
  }

  /// Drops all that is pending for a thread that ends.
  static func forget(_ thread: ThreadPointer) {
    thread.pointee.signals.pending.removeAll(SignalSet(rawValue: .max), free: SignalRecords.free)
  }
}
