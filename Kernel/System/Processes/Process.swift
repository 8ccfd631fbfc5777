import Core
import Machine

/// A program that runs, with its threads and its memory.
///
/// Lives as long as somebody refers to it: its threads' records, its parent until it has waited for it, the
/// table of processes until it has ended and been waited for.
public final class Process: @unchecked Sendable {
  /// Linux's process identifier: that of its first thread.
  public let identifier: Int32
  /// Guards everything below that is not otherwise said to be constant.
  var lock = SpinLock()

  /// The memory; another one after execve, none after the last thread's end.
  var addressSpace: AddressSpace?
  /// How often it has been replaced: by execve(2), and at the end. Under the same lock.
  private var addressSpaceChanges: UInt64 = 0
  /// Guards the references to it, to the descriptors and to where paths begin against those who are no thread of the
  /// process. Takes no other lock. Inside of the lock of `Processes`, and so an `InterruptLock`.
  private var spaceLock = InterruptLock()
  /// The program's path, cut to 64 bytes, for messages.
  private var name = InlineArray<64, UInt8>(repeating: 0)
  private var nameLength = 0

  /// Guards `signals` and the same of its threads. The list of threads changes with both locks held, so that
  /// either is enough to walk it. Inside of it: that of the actions, and run queues'.
  var signalLock = InterruptLock()
  /// Who watches its signals through a signalfd; nil where there has been none. Under the signal lock.
  var signalWatchers: WatcherList?
  var signals: ProcessSignals
  /// `signals.actions` for who holds the signal lock, and so needs no reference of his own.
  private var unretainedSignalActions: Unmanaged<SignalActions>
  /// Timers that send it signals; nil where it has never had any. Made under the lock, and there from then on: so timer
  /// interrupts, which cannot take the lock, may look at them.
  var timers: ProcessTimers?
  /// Whether timer interrupts count for one of them.
  var hasCPUTimers = false
  /// Who watches for its end through a pidfd; nil where there is none. Under the lock.
  var endWatchers: WatcherList?

  // The ties between processes, under the lock of `Processes`.

  /// The process group and the session (credentials(7)); 0 for those of the first process.
  var group: Int32 = 0
  var session: Int32 = 0
  /// A session whose terminal is not this process's (TIOCNOTTY); 0 for none. Its own threads change it.
  var sessionWithoutTerminal: Int32 = 0
  /// Whether it has called execve since it was made.
  var hasExecuted = false
  /// How many programs it has begun by execve. Its own threads change it.
  var executionCount: UInt32 = 0
  /// The thread of the parent that made it, or the first one of the process that it was given to.
  var creator: Int32 = 0

  /// The process that waits for this one; nil where the kernel started it, or the parent has ended.
  unowned(unsafe) var parent: Process?
  var firstChild: Process?
  var lastChild: Process?
  var nextSibling: Process?
  /// The threads of other processes that this one's trace (ptrace(2)).
  var firstTracee: Tracee?
  /// What its own first thread's tracer knows it as; nil where nobody traces it.
  var leaderTracee: Tracee?
  /// The next in the same bucket of the table.
  var nextInTable: Process?

  private var firstThread: ThreadPointer?
  private(set) var threadCount = 0
  /// 1 once every thread is to end.
  var isExiting = AtomicWord()
  /// What wait4 reports: the exit code in bits 8 to 15, or the signal in bits 0 to 6.
  private(set) var exitStatus: Int32 = 0
  /// Whether the last thread has ended.
  private var hasEnded = false
  /// Woken when a child or this process ends, a thread of it ends or has begun another program, or vfork's child lets
  /// go.
  let changed = WaitQueue()
  /// How often a child has ended, stopped or gone on so far: what wait4 waits for a change of.
  var childEvents = AtomicWord()
  private var isBeingReplaced = false
  /// Who is in execve(2), against who begins to trace. Under the signal lock.
  var executions = ProgramExecutions()
  /// Whether the parent of a vfork may go on.
  var isVforkDone = true

  /// The name of the thread that has ended last: what a zombie is called.
  private(set) var endedName = InlineArray<16, UInt8>(repeating: 0)

  /// Counters of threads that have ended.
  private(set) var endedCounters = Counters()

  /// TSC ticks of the threads that have ended.
  var endedRunTicks: UInt64 { endedCounters.runTicks }

  public struct Counters: Sendable {
    public var fpu = FPUCounters()
    public var preemptions: UInt64 = 0
    public var migrations: UInt64 = 0
    public var switches: UInt64 = 0
    public var runTicks: UInt64 = 0
    var usage = ResourceUsage()

    mutating func add(_ thread: ThreadPointer) {
      fpu = fpu + thread.pointee.fpu.counters
      preemptions &+= thread.pointee.preemptions
      migrations &+= thread.pointee.migrations
      switches &+= thread.pointee.switches
      runTicks &+= thread.pointee.runTicks
      usage.add(thread.pointee.usage)
    }
  }

  /// What it hands on to its children: limits, credentials and the like.
  var attributes = ProcessAttributes()
  /// The signal that tells its parent of its end; 0 for none.
  var exitSignal: UInt8 = 17
  /// What its children have used that it has waited for.
  var childUsage = ResourceUsage()
  /// When it began, in TSC ticks.
  let startTime = readTimeStampCounter()

  /// Changed by its own threads, under `spaceLock`.
  private var storedFiles: DescriptorTable?
  private var storedFileSystem: FileSystemContext

  init(
    identifier: Int32, addressSpace: AddressSpace, files: DescriptorTable, fileSystem: FileSystemContext,
    signalActions: SignalActions
  ) {
    self.identifier = identifier
    signals = ProcessSignals(actions: signalActions)
    unretainedSignalActions = .passUnretained(signalActions)
    self.addressSpace = addressSpace
    storedFiles = files
    storedFileSystem = fileSystem
  }

  func setName(_ path: ByteView) {
    nameLength = min(path.count, 64)
    for index in 0..<nameLength { name[index] = path[index] }
  }

  func copyName(from other: Process) {
    name = other.name
    nameLength = other.nameLength
  }

  /// The name and the identifier, for messages.
  public var label: Message {
    let length = nameLength
    return withUnsafeBytes(of: name) {
      "\(UnsafeRawBufferPointer(rebasing: $0[0..<length])) (\(identifier))"
    }
  }

  /// What its threads have counted, those that have ended included.
  public var counters: Counters {
    lock.withLock {
      var sum = endedCounters
      var next = firstThread
      while let thread = next {
        sum.add(thread)
        next = thread.pointee.nextInProcess
      }
      return sum
    }
  }

  /// Calls `body` with each of its threads, under the process's lock.
  public func forEachThread(_ body: (ThreadPointer) -> Void) {
    lock.withLock {
      var next = firstThread
      while let thread = next {
        body(thread)
        next = thread.pointee.nextInProcess
      }
    }
  }

  /// Calls `body` with the first of its threads and what those that have ended have had on CPUs, under the process's
  /// lock.
  func withThreads(_ body: (ThreadPointer?, UInt64) -> Void) {
    lock.withLock { body(firstThread, endedCounters.runTicks) }
  }

  // MARK: Threads

  /// Takes a new thread in, unless the process is on its way out, or all of its threads but one are: who waits for
  /// their end has told those alone that were there.
  func add(_ thread: ThreadPointer) -> Bool {
    lock.withLock {
      if isExiting.load() != 0 || isBeingReplaced { return false }
      signalLock.withLock {
        thread.pointee.nextInProcess = firstThread
        firstThread = thread
        threadCount += 1
        if signals.isStopping { thread.pointee.head.hasSignal = 1 }
      }
      return true
    }
  }

  /// Calls `body` with each of its threads. The signal lock is held.
  func forEachThreadWithSignalsLocked(_ body: (ThreadPointer) -> Void) {
    var next = firstThread
    while let thread = next {
      body(thread)
      next = thread.pointee.nextInProcess
    }
  }

  /// What is done with a signal. The signal lock is held: under it execve(2) puts another table in the place of this
  /// one, and ends this one.
  @inline(__always)
  func signalAction(_ signal: Signal) -> SignalAction {
    unretainedSignalActions._withUnsafeGuaranteedRef { $0[signal] }
  }

  /// As above, with the lock held, where that is about to be done.
  @inline(__always)
  func takeSignalAction(_ signal: Signal) -> SignalAction {
    unretainedSignalActions._withUnsafeGuaranteedRef { $0.takeAction(signal) }
  }

  /// Gives the process other actions. The caller keeps the old ones until the lock is released.
  func replaceSignalActions(_ actions: SignalActions) {
    signalLock.withLock {
      signals.actions = actions
      unretainedSignalActions = .passUnretained(actions)
    }
  }

  /// Its thread where it has one alone. The signal lock is held.
  var onlyThreadWithSignalsLocked: ThreadPointer? { threadCount == 1 ? firstThread : nil }

  /// The thread that a signal for the process is aimed at, which says whether it is ignored: the one with an
  /// identifier, else the oldest; nil where all have ended. The signal lock is held.
  @inline(__always)
  func addresseeWithSignalsLocked(_ identifier: Int32) -> ThreadPointer? {
    threadCount == 1 ? firstThread : addresseeOfMany(identifier)
  }

  @inline(never)
  private func addresseeOfMany(_ identifier: Int32) -> ThreadPointer? {
    var addressee = firstThread
    while let thread = addressee, let older = thread.pointee.nextInProcess,
      thread.pointee.identifier != identifier
    { addressee = older }
    return addressee
  }

  /// Takes the current thread out, which is about to end.
  ///
  /// - Returns: whether it was the last.
  func remove(_ thread: ThreadPointer) -> Bool {
    var stopReport: Int32?
    var tracee: Tracee?
    let isLast = lock.withLock {
      signalLock.withLock {
        unlink(thread)
        threadCount -= 1
        if thread.pointee.signals.isStopped { signals.stoppedCount -= 1 }
        tracee = thread.pointee.tracee
        if let tracee {
          tracee.thread = nil
          signals.traceeCount -= 1
          thread.pointee.tracee = nil
          thread.pointee.head.isTraced = 0
        }
        Signals.forget(thread)
        Signals.retarget(
          SignalSet(rawValue: .max).subtracting(thread.pointee.signals.blocked), from: thread, self)
        endedName = thread.pointee.name
        stopReport = GroupStop.threadLeft(self)
      }
      Interrupts.withDisabled {
        endedCounters.add(thread)
        // What it has had since the last tick too: from here on it counts for nobody.
        endedCounters.runTicks &+= thread.presentRunTicks &- thread.pointee.runTicks
      }
      if hasCPUTimers { timers?.count(thread) }
      return threadCount == 0
    }
    if let stopReport { Processes.tellParent(of: self, stopReport) }
    if let tracee {
      Tracing.ended(tracee, status: isExiting.load() != 0 ? exitStatus : thread.pointee.exitStatus)
    }
    changed.wake()
    return isLast
  }

  /// Takes a thread off the list. Both locks are held.
  private func unlink(_ thread: ThreadPointer) {
    if firstThread == thread {
      firstThread = thread.pointee.nextInProcess
    } else {
      var previous = firstThread
      while let candidate = previous, candidate.pointee.nextInProcess != thread {
        previous = candidate.pointee.nextInProcess
      }
      previous?.pointee.nextInProcess = thread.pointee.nextInProcess
    }
    thread.pointee.nextInProcess = nil
  }

  /// One thread at a time may replace the program, which ends the others.
  func beginReplacement() -> Bool {
    lock.withLock {
      if isBeingReplaced || isExiting.load() != 0 { return false }
      isBeingReplaced = true
      return true
    }
  }

  func endReplacement() { lock.withLock { isBeingReplaced = false } }

  // MARK: Memory

  /// Gives the process another address space. No lock is held: the old one may end.
  func replaceAddressSpace(_ new: AddressSpace?) {
    let old = exchangeAddressSpace(new)
    withExtendedLifetime(old) {}
  }

  /// As above, whatever the caller holds.
  ///
  /// - Returns: the old one, to be released once no lock is held.
  func exchangeAddressSpace(_ new: AddressSpace?) -> AddressSpace? {
    spaceLock.withLock {
      let old = addressSpace
      addressSpace = new
      addressSpaceChanges += 1
      return old
    }
  }

  /// The memory of a process that may be ending or replacing its program, for other processes.
  var sharedAddressSpace: AddressSpace? { spaceLock.withLock { addressSpace } }

  /// The same, with a number that it has alone among those of this process.
  var numberedAddressSpace: (space: AddressSpace?, number: UInt64) {
    spaceLock.withLock { (addressSpace, addressSpaceChanges) }
  }

  /// How many frames it has, those that it shares included.
  var frameCount: Int { spaceLock.withLock { addressSpace.map { $0.residentPages + $0.tableFrames } ?? 0 } }

  /// Its pages, and the frames of its page tables.
  var memoryCounts: (resident: Int, tables: Int) {
    spaceLock.withLock { (addressSpace?.residentPages ?? 0, addressSpace?.tableFrames ?? 0) }
  }

  // MARK: Files

  /// The descriptors; shared where clone was asked to. Another table after execve of a process that shares one;
  /// none after the last thread's end. For its own threads.
  @inline(__always)
  var files: DescriptorTable! {
    get { storedFiles }
    set {
      let old = spaceLock.withLock {
        let old = storedFiles
        storedFiles = newValue
        return old
      }
      withExtendedLifetime(old) {}
    }
  }

  /// Gives the process descriptors of its own where it shares them with another one (clone(2), CLONE_FILES). Here the
  /// threads of a process have one table of descriptors, and look at it without a lock: only a single thread may.
  ///
  /// - Throws: ENOMEM, also where there are other threads.
  func unshareFiles() throws(Errno) {
    guard threadCount == 1 else { throw .outOfMemory }
    guard let table = storedFiles.map({ Unmanaged.passUnretained($0) }) else { return }
    if referenceCount(of: table.toOpaque()) > 1 { files = try files.copy() }
  }

  /// Where paths begin; shared likewise. One of several threads may put another one in its place (unshare(2)).
  @inline(__always)
  var fileSystem: FileSystemContext {
    get { threadCount == 1 ? storedFileSystem : sharedFileSystem }
    set {
      let old = spaceLock.withLock {
        let old = storedFileSystem
        storedFileSystem = newValue
        return old
      }
      withExtendedLifetime(old) {}
    }
  }

  /// The same for other processes.
  var sharedFiles: DescriptorTable? { spaceLock.withLock { storedFiles } }
  var sharedFileSystem: FileSystemContext { spaceLock.withLock { storedFileSystem } }

  // MARK: The end

  /// Has the whole process end; nothing where it is ending already.
  ///
  /// - Parameter status: as wait4 reports it.
  /// - Returns: whether it was not.
  @discardableResult
  func exit(status: Int32) -> Bool {
    let isFirst = lock.withLock {
      if isExiting.exchange(1) != 0 { return false }
      exitStatus = status
      return true
    }
    guard isFirst else { return false }
    TraceStops.endLast(of: self)
    forEachThread { Signals.notify($0) }
    return true
  }

  /// No more is written of a core of the process, which is ending: what it ends by is the signal that it wrote one for,
  /// or the SIGKILL that came meanwhile.
  func endDump(isWritten: Bool) {
    lock.withLock {
      signalLock.withLock {
        signals.dumpingThread = nil
        if signals.isDumpEnded {
          exitStatus = WaitStatus.killed(by: .kill)
        } else if isWritten {
          exitStatus |= WaitStatus.coreDumped
        }
      }
    }
  }

  /// Ends the process from outside, as an uncaught signal does.
  public func kill(_ signal: Signal) { exit(status: WaitStatus.killed(by: signal)) }

  /// A thread has called exit: its code is the process's if it is the last.
  func setExitCode(_ code: UInt8) {
    lock.withLock {
      if isExiting.load() == 0 { exitStatus = Int32(code) << 8 }
    }
  }

  /// The last thread has left, with the kernel's address space loaded: gives the memory back and tells the
  /// parent.
  func finish() {
    replaceAddressSpace(nil)
    OutOfMemory.ended(self)
    files = nil
    // Its record may live on, which must not keep a file system in use.
    fileSystem = FileSystemContext.ofEnded
    lock.withLock { timers }?.end()
    signalLock.withLock {
      signals.pending.removeAll(SignalSet(rawValue: .max), free: SignalRecords.free)
      if let spare = signals.takeSpare() { SignalRecords.free(spare) }
    }
    if session == identifier { Terminals.sessionLeaderEnded(session) }
    Processes.leave(self) { hasEnded = true }
    changed.wake()
    lock.withLock { endWatchers }?.notify([.input, .inputNormal])
  }

  /// How a process ended, as wait4 reports it.
  public enum Ending: Equatable, Sendable {
    case exited(code: UInt8)
    case killed(signal: UInt8)
  }

  /// How it ended; nil while it goes on.
  public var ending: Ending? {
    guard hasEnded else { return nil }
    let signal = UInt8(truncatingIfNeeded: exitStatus & 0x7F)
    return signal == 0 ? .exited(code: UInt8(truncatingIfNeeded: exitStatus >> 8)) : .killed(signal: signal)
  }

  /// Waits for the end of a process that the kernel has started. In a kernel thread.
  ///
  /// - Parameter deadline: when to give up, in TSC ticks.
  /// - Returns: nil where the deadline came first.
  public func waitForEnd(until deadline: UInt64? = nil) -> Ending? {
    _ = changed.wait(until: deadline) { hasEnded }
    return ending
  }
}
