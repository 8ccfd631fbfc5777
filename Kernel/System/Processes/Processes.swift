import Core
import Machine

/// The table of processes, and the ties between parents and children.
enum Processes {
  /// Guards the table and every process's ties. Inside of it: signal locks.
  nonisolated(unsafe) static var lock = InterruptLock()
  private static var bucketCount: Int { 256 }
  nonisolated(unsafe) private static var storedBuckets: UnsafeMutablePointer<Unmanaged<Process>?>?
  private static var buckets: UnsafeMutablePointer<Unmanaged<Process>?> { storedBuckets! }
  /// The process that orphans become children of; nil where the boot line asked for none.
  nonisolated(unsafe) private static var first: Process?

  /// The identifier of the first process.
  static var firstIdentifier: Int32 { 1 }

  static func initialize() {
    storedBuckets = KernelHeap.allocateArray(
      of: Unmanaged<Process>?.self, count: bucketCount, repeating: nil)
  }

  /// Takes a process in. It has its parent's group and session; without a parent it leads one of its own, but for the
  /// first process, which as on Linux is in group and session 0.
  static func add(_ process: Process, parent: Process?) {
    lock.withLock { addLocked(process, parent: parent) }
  }

  /// As above for a clone, which is in its creator's group whoever its parent is, unless its creator has a signal:
  /// whoever signals all processes finds either the new one, or a creator that makes none before it has seen to the
  /// signal.
  ///
  /// - Parameter isSibling: whether it has its creator's parent (CLONE_PARENT).
  /// - Returns: whether it is in.
  static func add(_ process: Process, madeBy creator: ThreadPointer, isSibling: Bool) -> Bool {
    lock.withLock {
      if creator.pointee.head.hasSignal != 0 { return false }
      let parent = creator.pointee.process
      addLocked(process, parent: isSibling ? parent?.parent : parent)
      if let parent {
        process.group = parent.group
        process.session = parent.session
        if isSibling { process.creator = parent.creator }
      }
      return true
    }
  }

  private static func addLocked(_ process: Process, parent: Process?) {
    let bucket = Int(process.identifier) & (bucketCount - 1)
    process.nextInTable = buckets[bucket]?.takeRetainedValue()
    buckets[bucket] = Unmanaged.passRetained(process)
    if let parent {
      process.group = parent.group
      process.session = parent.session
      adopt(process, parent)
    } else if process.identifier == firstIdentifier {
      process.signals.isUnkillable = true
      first = process
    } else {
      process.group = process.identifier
      process.session = process.identifier
    }
  }

  /// Makes a process the last child of another: who waits for any gets the oldest first. The lock is held.
  private static func adopt(_ child: Process, _ parent: Process) {
    child.parent = parent
    child.nextSibling = nil
    if let last = parent.lastChild { last.nextSibling = child } else { parent.firstChild = child }
    parent.lastChild = child
  }

  /// The process with an identifier, ended or not, as long as nobody has waited for it.
  static func find(_ identifier: Int32) -> Process? {
    lock.withLock { findLocked(identifier) }
  }

  /// As above with the lock held.
  static func findLocked(_ identifier: Int32) -> Process? {
    var next = buckets[Int(identifier) & (bucketCount - 1)]?.takeUnretainedValue()
    while let process = next {
      if process.identifier == identifier { return process }
      next = process.nextInTable
    }
    return nil
  }

  /// Calls `body` with every process, those that have ended and not been waited for included, under the lock.
  static func forEach(_ body: (Process) -> Void) {
    lock.withLock { forEachLocked(body) }
  }

  /// As above with the lock held.
  static func forEachLocked(_ body: (Process) -> Void) {
    for bucket in 0..<bucketCount {
      var next = buckets[bucket]?.takeUnretainedValue()
      while let process = next {
        body(process)
        next = process.nextInTable
      }
    }
  }

  /// The program that has most memory, and that ending would free some; nil where there is none.
  static func findLargest() -> Process? {
    lock.withLock {
      var largest: Process? = nil
      var most = 0
      for bucket in 0..<bucketCount {
        var next = buckets[bucket]?.takeUnretainedValue()
        while let process = next {
          let count = process.isExiting.load() == 0 ? process.outOfMemoryWeight : 0
          if count > most {
            largest = process
            most = count
          }
          next = process.nextInTable
        }
      }
      return largest
    }
  }

  static func parentIdentifier(of process: Process) -> Int64 {
    lock.withLock { Int64(process.parent?.identifier ?? 0) }
  }

  /// Takes a process out of the table. The lock is held, and the caller refers to the process.
  private static func remove(_ process: Process) {
    let bucket = Int(process.identifier) & (bucketCount - 1)
    guard let first = buckets[bucket]?.takeUnretainedValue() else { return }
    if first === process {
      buckets[bucket] = process.nextInTable.map { Unmanaged.passRetained($0) }
      Unmanaged.passUnretained(process).release()
    } else {
      var previous = first
      while let candidate = previous.nextInTable, candidate !== process { previous = candidate }
      previous.nextInTable = process.nextInTable
    }
    process.nextInTable = nil
  }

  /// Takes a child out of its parent's list and out of the table. The lock is held, and the caller refers to it.
  static func forget(_ child: Process) {
    if let parent = child.parent {
      var previous: Process?
      if parent.firstChild === child {
        parent.firstChild = child.nextSibling
      } else {
        previous = parent.firstChild
        while let candidate = previous, candidate.nextSibling !== child { previous = candidate.nextSibling }
        previous?.nextSibling = child.nextSibling
      }
      if parent.lastChild === child { parent.lastChild = previous }
      child.nextSibling = nil
      child.parent = nil
    }
    remove(child)
  }

  // MARK: The end

  /// A process has ended: its children get another parent, its own parent is told, and where nobody will wait for
  /// it, it is forgotten. No lock is held.
  ///
  /// - Parameter mark: makes the end visible, under the lock.
  static func leave(_ process: Process, mark: () -> Void) {
    let information = process.endInformation
    var parent: Process?
    var reaper: Process?
    var tracer: Process?
    // Released after the lock: what a process refers to may take locks of its own to go.
    var forgotten: Process?
    var tracees: Tracee?
    lock.withLock {
      // Its last thread has let its tracees go; a child may have asked to be traced since.
      Tracing.releaseAll(of: process, &tracees)
      reaper = findReaper(of: process)
      if first === process { first = nil }
      while let child = process.firstChild {
        process.firstChild = child.nextSibling
        if child.nextSibling == nil { process.lastChild = nil }
        child.nextSibling = nil
        child.parent = nil
        if let signal = Signal(rawValue: child.attributes.parentDeathSignal) { Signals.send(signal, to: child) }
        giveAway(child, of: process, to: reaper, &forgotten)
      }
      parent = process.parent
      // Only who tied its group to another one of the session orphans it by its end.
      if GroupStop.hasAny, let parent, parent.group != process.group, parent.session == process.session {
        hangUpIfOrphaned(process.group, leaving: process)
      }
      mark()
      if let tracee = process.leaderTracee, let traces = tracee.tracer {
        // The parent is told once the tracer has waited, or has gone.
        tracer = traces
        tellTracer(traces, ofEndOf: process, information)
      } else if let parent {
        if tell(parent, ofEndOf: process, information) { forget(process) }
      } else {
        remove(process)
      }
    }
    reaper?.changed.wake()
    parent?.changed.wake()
    tracer?.changed.wake()
    while let tracee = tracees {
      tracees = tracee.next
      tracee.next = nil
    }
    // Link by link, so that a long chain is not released recursively.
    while let child = forgotten {
      forgotten = child.nextSibling
      child.nextSibling = nil
    }
  }

  /// Whose children a process's become: the nearest subreaper's among its ancestors, else the first process's. The
  /// lock is held.
  private static func findReaper(of process: Process) -> Process? {
    var ancestor = process.parent
    while let candidate = ancestor {
      if candidate.attributes.isSubreaper, candidate.ending == nil { return candidate }
      ancestor = candidate.parent
    }
    guard let first, first !== process, first.ending == nil else { return nil }
    return first
  }

  /// The lock is held.
  private static func giveAway(
    _ child: Process, of process: Process, to reaper: Process?, _ forgotten: inout Process?
  ) {
    guard let reaper else {
      if child.ending == nil { return }
      remove(child)
      child.nextSibling = forgotten
      forgotten = child
      return
    }
    adopt(child, reaper)
    child.creator = reaper.identifier
    child.exitSignal = Signal.child.rawValue
    if child.ending != nil {
      if child.leaderTracee != nil { return }
      if tell(reaper, ofEndOf: child, child.endInformation) {
        forget(child)
        child.nextSibling = forgotten
        forgotten = child
      }
    } else if GroupStop.hasAny, child.group != process.group, child.session == process.session {
      hangUpIfOrphaned(child.group, leaving: process)
    }
  }

  /// Sends a parent the signal of its child's end. The lock is held.
  ///
  /// - Returns: whether the parent never waits for its children, so that this one is forgotten.
  private static func tell(
    _ parent: Process, ofEndOf child: Process, _ information: SignalInformation
  ) -> Bool {
    parent.childEvents.add(1)
    guard let signal = Signal(rawValue: child.exitSignal) else { return false }
    var information = information
    information.number = Int32(signal.rawValue)
    guard signal == .child else {
      Signals.send(information, to: parent, for: child.creator)
      return false
    }
    let action = Signals.sendOfChild(information, to: parent, for: child.creator, isEnd: true)
    return action.isIgnore || action.flags.contains(.noChildWait)
  }

  /// Sends a tracer the signal of its tracee's end: a parent what the child was to send, another process SIGCHLD. The
  /// lock is held.
  private static func tellTracer(_ tracer: Process, ofEndOf process: Process, _ information: SignalInformation) {
    tracer.childEvents.add(1)
    guard let signal = tracer === process.parent ? Signal(rawValue: process.exitSignal) : .child else { return }
    var information = information
    information.number = Int32(signal.rawValue)
    let thread = process.leaderTracee?.tracerThread ?? 0
    if signal == .child {
      Signals.sendOfChild(information, to: tracer, for: thread, isEnd: true)
    } else {
      Signals.send(information, to: tracer, for: thread)
    }
  }

  /// The tracer of a process that has ended has waited for it, or has gone itself: the parent's turn, if it is another
  /// process. The lock is held.
  ///
  /// - Returns: who is to be woken; nil where nobody waits.
  static func giveToParent(_ process: Process, after tracer: Process) -> Process? {
    guard let parent = process.parent else {
      remove(process)
      return nil
    }
    if tell(parent, ofEndOf: process, process.endInformation) { forget(process) }
    return parent
  }

  /// Tells a tracer that its tracee has stopped. No lock is held.
  ///
  /// - Parameter isProcessStop: whether the whole process stops.
  static func tellTracer(of tracee: Tracee, isProcessStop: Bool) {
    let process = tracee.process
    let status = process.signalLock.withLock {
      isProcessStop ? Int32(process.signals.stopSignal.rawValue) : tracee.state.code & 0x7F
    }
    let information = SignalInformation.child(
      .child, code: isProcessStop ? SignalCode.childStopped : SignalCode.childTrapped, process: tracee.identifier,
      user: Signals.userIdentifier(of: process), status: status, userTime: 0, systemTime: 0)
    let tracer: Process? = lock.withLock {
      guard let tracer = tracee.tracer else { return nil }
      tracer.childEvents.add(1)
      Signals.sendOfChild(information, to: tracer, for: tracee.tracerThread, isEnd: false)
      return tracer
    }
    tracer?.changed.wake()
  }

  /// Tells the parent that a process has stopped or goes on. No lock is held.
  ///
  /// - Parameter tracee: whose tracer has been told already; nothing more where that is the parent.
  static func tellParent(of process: Process, _ status: Int32, besideTracerOf tracee: Tracee? = nil) {
    let information = process.childInformation(status)
    let parent: Process? = lock.withLock {
      guard let parent = process.parent, tracee?.tracer !== parent else { return nil }
      parent.childEvents.add(1)
      Signals.sendOfChild(information, to: parent, for: process.creator, isEnd: false)
      return parent
    }
    parent?.changed.wake()
  }
}

extension Process {
  /// What SIGCHLD says of it. Not under the lock of `Processes`.
  func childInformation(_ status: Int32) -> SignalInformation {
    childInformation(status, ticks: counters.runTicks)
  }

  /// What SIGCHLD says of its end; all its threads have gone.
  var endInformation: SignalInformation { childInformation(exitStatus, ticks: endedRunTicks) }

  private func childInformation(_ status: Int32, ticks: UInt64) -> SignalInformation {
    let (code, value) = WaitStatus.childInformation(status)
    return .child(
      .child, code: code, process: identifier, user: Signals.userIdentifier(of: self), status: value,
      userTime: Time.nanoseconds(ticks: ticks) / 10_000_000, systemTime: 0)
  }
}
