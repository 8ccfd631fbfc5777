import Core
import Machine

/// How much is found out about a process's memory.
enum MemoryDetail {
  /// What is known at once.
  case total
  /// A walk over all pages tells files from the rest.
  case byKind
}

extension ProcessSummary {
  /// Copies what there is to tell of a process or one of its threads. Each lock is held for a moment only.
  ///
  /// - Throws: ESRCH once it has gone.
  init(_ process: Process, thread: Int32?, _ detail: MemoryDetail) throws(Errno) {
    self.init()
    identifier = thread ?? process.identifier
    processIdentifier = process.identifier
    cpuCount = CPUs.count
    startTime = Self.clockTicks(process.startTime &- Time.start)
    try copyTies(of: process)
    if let terminal = Terminals.controlling(of: session) {
      self.terminal = UInt32(truncatingIfNeeded: terminal.number.rawValue)
      foregroundGroup = terminal.lock.withLock { terminal.foregroundGroup }
    }
    try copyThread(of: process, thread)
    tracer = Tracing.tracer(of: process, thread: thread)
    copySignals(of: process, thread)
    copyAttributes(of: process)
    umask = process.sharedFileSystem.umask
    descriptorTableSize = process.sharedFiles?.size ?? 0
    copyMemory(of: process, detail)
  }

  private mutating func copyTies(of process: Process) throws(Errno) {
    let ties: (Int32, Int32, Int32)? = Processes.lock.withLock {
      guard Processes.findLocked(process.identifier) === process else { return nil }
      return (process.parent?.identifier ?? 0, process.group, process.session)
    }
    guard let ties else { throw .noProcess }
    (parent, group, session) = ties
  }

  /// Scheduling, times and counters: of a thread, or of the process's first thread and all of them.
  private mutating func copyThread(of process: Process, _ wanted: Int32?) throws(Errno) {
    let counters = process.counters
    var usage = counters.usage
    var found: ThreadCopy?
    process.forEachThread { thread in
      // The first thread is the last on the list, and may have ended before others.
      if wanted == nil || thread.pointee.identifier == wanted { found = ThreadCopy(thread) }
    }
    guard let found else {
      guard process.threadCount == 0, wanted == nil || wanted == process.identifier else { throw .noProcess }
      state = .zombie
      name = process.endedName
      setTimes(usage)
      return
    }
    name = found.name
    state = found.state
    nice = found.nice
    cpu = found.cpu
    policy = found.policy.number
    realTimePriority = found.policy.priority
    affinity = found.affinity
    voluntarySwitches = found.usage.voluntarySwitches
    involuntarySwitches = found.usage.involuntarySwitches
    if wanted != nil { usage = found.usage }
    threadCount = process.threadCount
    setTimes(usage)
  }

  private mutating func setTimes(_ usage: ResourceUsage) {
    userTime = Self.clockTicks(usage.userTicks)
    systemTime = Self.clockTicks(usage.systemTicks)
    pageFaults = usage.pageFaults
  }

  /// What is read of a thread with its process's lock held.
  private struct ThreadCopy {
    let name: InlineArray<16, UInt8>
    let state: ProcessState
    let nice: Int8
    let cpu: Int32
    let policy: SchedulingPolicy
    let affinity: UInt64
    let usage: ResourceUsage

    init(_ thread: ThreadPointer) {
      name = thread.pointee.name
      state =
        switch thread.pointee.state {
        case .runnable, .new: .running
        case .blocked, .frozen:
          thread.pointee.signals.isInTraceStop
            ? .traced : thread.pointee.signals.isStopped ? .stopped : .sleeping
        case .ended: .dead
        }
      nice = thread.pointee.scheduling.nice
      cpu = thread.pointee.cpu
      policy = thread.pointee.schedulingPolicy
      affinity = thread.pointee.affinity
      usage = thread.pointee.usage
    }
  }

  private mutating func copySignals(of process: Process, _ wanted: Int32?) {
    let (ignored, caught) = process.signalLock.withLock { process.signals.actions.summary }
    self.ignored = ignored.rawValue
    self.caught = caught.rawValue
    var own: (UInt64, UInt64) = (0, 0)
    sharedPending = process.signalLock.withLock {
      process.forEachThreadWithSignalsLocked { thread in
        if wanted == nil || thread.pointee.identifier == wanted {
          own = (thread.pointee.signals.pending.signals.rawValue, thread.pointee.signals.blocked.rawValue)
        }
      }
      return process.signals.pending.signals.rawValue
    }
    (pending, blocked) = own
    exitSignal = process.exitSignal
    exitStatus = process.ending == nil ? 0 : process.exitStatus
  }

  private mutating func copyAttributes(of process: Process) {
    let (credentials, limit, children) = process.lock.withLock {
      (process.attributes.credentials, process.attributes.limits[.pendingSignals].soft, process.childUsage)
    }
    self.credentials = credentials
    queuedSignalLimit = limit
    childUserTime = Self.clockTicks(children.userTicks)
    childSystemTime = Self.clockTicks(children.systemTicks)
    childPageFaults = children.pageFaults
  }

  /// Hundredths of a second, as programs see clock ticks (sysconf(_SC_CLK_TCK)).
  private static func clockTicks(_ ticks: UInt64) -> UInt64 { Time.nanoseconds(ticks: ticks) / 10_000_000 }

  // MARK: Memory

  private mutating func copyMemory(of process: Process, _ detail: MemoryDetail) {
    guard let space = process.sharedAddressSpace else { return }
    memory.isPresent = true
    memory.mapped = space.mappedBytes
    memory.resident = UInt64(space.residentPages) << 12
    memory.pageTables = UInt64(space.tableFrames) << 12
    memory.code = space.startArea.code
    memory.dataSegment = space.startArea.data
    memory.heapStart = space.breakStart
    memory.stackStart = space.startArea.stackPointer
    memory.arguments = space.startArea.arguments
    memory.environment = space.startArea.environment
    guard case .byKind = detail else { return }
    var address: UInt64 = 0
    while let (region, _) = space.region(endingAfter: address) {
      addRegion(region, of: space)
      address = region.end
    }
  }

  private mutating func addRegion(_ region: MemoryRegion, of space: AddressSpace) {
    let (resident, exclusive) = space.residentPages(of: region)
    switch region.kind {
    case .anonymousPrivate: break
    case .anonymousShared: memory.residentShared += UInt64(resident) << 12
    case .sourceShared: memory.residentFiles += UInt64(resident) << 12
    // What has been written to is nobody else's.
    case .sourcePrivate: memory.residentFiles += UInt64(resident - exclusive) << 12
    }
    if region.attributes.contains(.locked) { memory.locked += region.length }
    if region.growsDown {
      memory.stack += region.length
    } else if region.protection.contains(.write), !region.isShared {
      memory.data += region.length
    }
    if region.protection.contains(.execute) {
      if region.contains(memory.code.lowerBound) {
        memory.executable += region.length
      } else {
        memory.libraries += region.length
      }
    }
  }
}
