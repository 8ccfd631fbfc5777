import Core
import Machine

/// The timers of a process: setitimer(2)'s three, and those of timer_create(2). Made with the first of them, and
/// stopped when the process ends; only its own threads change them.
final class ProcessTimers: @unchecked Sendable {
  /// The three kinds of setitimer(2).
  enum Kind: Int {
    case real = 0
    /// By the time that the process computes in user mode.
    case virtual = 1
    /// By the time that it computes, the kernel's on its account included.
    case profile = 2

    var signal: Signal {
      switch self {
      case .real: .alarm
      case .virtual: .virtualAlarm
      case .profile: .profile
      }
    }
  }

  /// What a CPU-time timer counts in: nanoseconds, a tick at a time.
  static var tickLength: UInt64 { 1_000_000_000 / Time.interruptsPerSecond }

  unowned(unsafe) let process: Process
  /// Held by the thread that changes a timer.
  private var lock = SpinLock()
  /// setitimer's real timer: its schedule is in TSC ticks.
  private let realTimer: KernelTimers.Pointer
  private var real = TimerSchedule.disarmed
  /// Guards the two below, which the timer interrupts of all CPUs count.
  private var cpuLock = InterruptLock()
  private var cpuSchedules: InlineArray<2, TimerSchedule> = [.disarmed, .disarmed]
  private var cpuTimes: InlineArray<2, UInt64> = [1, 1]
  /// What the process's threads have had on CPUs, in TSC ticks, as far as timer interrupts have seen it: never more
  /// than they have had. Counted while there is a CPU-time timer or a limit.
  private var countedTicks: UInt64 = 0
  /// The CPU-time timers of timer_create that are armed.
  private var firstCPUTimer: PosixTimer?
  /// RLIMIT_CPU, in TSC ticks: when SIGXCPU comes next, and when SIGKILL; `.max` for never.
  private var softLimitTicks: UInt64 = .max
  private var hardLimitTicks: UInt64 = .max
  /// The timers of timer_create.
  private var first: PosixTimer?
  private var nextIdentifier: Int32 = 0

  /// - Returns: nil when memory is out.
  init?(_ process: Process) {
    guard let timer = KernelTimers.make({ ProcessTimers.realTimerExpired($0) }) else { return nil }
    self.process = process
    realTimer = timer
    timer.pointee.context = UInt64(UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()))
  }

  deinit { KernelHeap.deallocate(realTimer) }

  /// Stops all of them, at the process's end.
  func end() {
    KernelTimers.cancel(realTimer)
    cpuLock.withLock {
      cpuSchedules = [.disarmed, .disarmed]
      softLimitTicks = .max
      hardLimitTicks = .max
    }
    deletePosixTimers()
    cpuLock.withLock { noteCPUTimers() }
  }

  // MARK: setitimer(2)

  /// Sets one of the three.
  ///
  /// - Parameters:
  ///   - value: when it goes off, in nanoseconds from now; 0 for never.
  ///   - interval: in nanoseconds.
  /// - Returns: what was left of it, and its interval.
  func set(_ kind: Kind, value: UInt64, interval: UInt64) -> (value: UInt64, interval: UInt64) {
    lock.withLock {
      let old = current(kind)
      guard kind == .real else {
        cpuLock.withLock {
          let index = kind.rawValue - 1
          // At the end of time it stands still.
          let (expiry, isNever) = cpuTimes[index].addingReportingOverflow(value)
          cpuSchedules[index] = TimerSchedule(expiry: value == 0 ? 0 : isNever ? .max : expiry, interval: interval)
          noteCPUTimers()
        }
        return old
      }
      KernelTimers.cancel(realTimer)
      // Nobody else touches the schedule now.
      real = .disarmed
      if value != 0 {
        let deadline = readTimeStampCounter() &+ Time.ticks(nanoseconds: value)
        real = TimerSchedule(expiry: deadline, interval: interval == 0 ? 0 : Time.ticks(nanoseconds: interval))
        KernelTimers.start(realTimer, at: deadline)
      }
      return old
    }
  }

  func get(_ kind: Kind) -> (value: UInt64, interval: UInt64) { lock.withLock { current(kind) } }

  private func current(_ kind: Kind) -> (value: UInt64, interval: UInt64) {
    guard kind == .real else {
      return cpuLock.withLock {
        let schedule = cpuSchedules[kind.rawValue - 1]
        return (schedule.remaining(at: cpuTimes[kind.rawValue - 1]), schedule.interval)
      }
    }
    let ticks = real.remaining(at: readTimeStampCounter())
    return (ticks == 0 ? 0 : max(Time.nanoseconds(ticks: ticks), 1), Time.nanoseconds(ticks: real.interval))
  }

  private static func realTimerExpired(_ timer: UnsafeMutableRawPointer) {
    let record = timer.assumingMemoryBound(to: KernelTimer.self)
    // SAFETY: the timer is cancelled before its owner goes.
    let owner = Unmanaged<ProcessTimers>.fromOpaque(
      UnsafeRawPointer(bitPattern: UInt(record.pointee.context)).unsafelyUnwrapped
    ).takeUnretainedValue()
    guard owner.real.advance(to: readTimeStampCounter()) > 0 else { return }
    Signals.send(.alarm, to: owner.process)
    if owner.real.isArmed { KernelTimers.start(record, at: owner.real.expiry) }
  }

  /// A timer interrupt has found a thread of the process running, whose time has just been charged.
  func countTick(_ thread: ThreadPointer, fromUserMode: Bool) {
    let expired = cpuLock.withLock {
      countLocked(thread)
      expireCPUTimers(thread)
      checkLimit()
      var expired = (isVirtual: false, isProfile: false)
      cpuTimes[1] &+= Self.tickLength
      expired.isProfile = cpuSchedules[1].advance(to: cpuTimes[1]) > 0
      if fromUserMode {
        cpuTimes[0] &+= Self.tickLength
        expired.isVirtual = cpuSchedules[0].advance(to: cpuTimes[0]) > 0
      }
      return expired
    }
    if expired.isVirtual { Signals.send(Kind.virtual.signal, to: process) }
    if expired.isProfile { Signals.send(Kind.profile.signal, to: process) }
  }

  // MARK: CPU time

  /// Has timer interrupts count as long as there is something to count for. `cpuLock` is held.
  private func noteCPUTimers() {
    process.hasCPUTimers =
      cpuSchedules[0].isArmed || cpuSchedules[1].isArmed || firstCPUTimer != nil || softLimitTicks != .max
      || hardLimitTicks != .max
  }

  private func countLocked(_ thread: ThreadPointer) {
    let ticks = thread.pointee.runTicks
    countedTicks &+= ticks &- thread.pointee.countedTicks
    thread.pointee.countedTicks = ticks
  }

  /// A thread of the process ends.
  func count(_ thread: ThreadPointer) { cpuLock.withLock { countLocked(thread) } }

  /// Begins to count: all that was had before counts too. In a thread, with no lock held.
  private func startCounting(_ body: () -> Void) {
    process.withThreads { threads, endedTicks in
      cpuLock.withLock {
        countedTicks = endedTicks
        var next = threads
        while let thread = next {
          thread.pointee.countedTicks = 0
          countLocked(thread)
          next = thread.pointee.nextInProcess
        }
        body()
        noteCPUTimers()
      }
    }
  }

  /// Arms a CPU-time timer, which is not armed.
  func startCPUTimer(_ timer: PosixTimer, _ schedule: TimerSchedule) {
    startCounting {
      timer.schedule = schedule
      timer.nextCPUTimer = firstCPUTimer
      firstCPUTimer = timer
    }
  }

  /// From the return on it does not go off any more.
  func stopCPUTimer(_ timer: PosixTimer) {
    cpuLock.withLock {
      timer.schedule = .disarmed
      unlinkCPUTimer(timer)
      noteCPUTimers()
    }
  }

  private func unlinkCPUTimer(_ timer: PosixTimer) {
    if firstCPUTimer === timer {
      firstCPUTimer = timer.nextCPUTimer
    } else {
      var previous = firstCPUTimer
      while let candidate = previous, candidate.nextCPUTimer !== timer { previous = candidate.nextCPUTimer }
      previous?.nextCPUTimer = timer.nextCPUTimer
    }
    timer.nextCPUTimer = nil
  }

  /// Lets the CPU-time timers go off whose time has come. `cpuLock` is held: signals' locks are inside of it.
  private func expireCPUTimers(_ thread: ThreadPointer) {
    var next = firstCPUTimer
    while let timer = next {
      next = timer.nextCPUTimer
      if let identifier = timer.cpuThread {
        guard identifier == thread.pointee.identifier else { continue }
        timer.expire(at: thread.pointee.runTicks)
      } else {
        timer.expire(at: countedTicks)
      }
      if !timer.schedule.isArmed { unlinkCPUTimer(timer) }
    }
    if firstCPUTimer == nil { noteCPUTimers() }
  }

  /// RLIMIT_CPU in seconds, as setrlimit(2) has set it or fork(2) handed it on.
  func setLimit(_ limit: ResourceLimit) {
    func ticks(_ seconds: UInt64) -> UInt64 {
      // 0 means 1, as on Linux; what is more than centuries never comes.
      seconds > 10_000_000_000 ? .max : Time.ticks(nanoseconds: max(seconds, 1) * 1_000_000_000)
    }
    startCounting {
      softLimitTicks = ticks(limit.soft)
      hardLimitTicks = ticks(limit.hard)
    }
  }

  private func checkLimit() {
    if countedTicks >= hardLimitTicks {
      hardLimitTicks = .max
      Signals.send(.kill, to: process)
    } else if countedTicks >= softLimitTicks {
      softLimitTicks &+= Time.ticks(nanoseconds: 1_000_000_000)
      Signals.send(.processorTimeLimit, to: process)
    }
  }

  // MARK: timer_create(2)

  /// Takes a new timer in and gives it an identifier.
  func add(_ timer: PosixTimer) {
    lock.withLock {
      timer.identifier = nextIdentifier
      nextIdentifier &+= 1
      timer.next = first
      first = timer
    }
  }

  /// How many there are.
  var posixTimerCount: UInt64 {
    lock.withLock {
      var count: UInt64 = 0
      var next = first
      while let timer = next {
        count += 1
        next = timer.next
      }
      return count
    }
  }

  /// Calls `body` with a timer, which stays meanwhile.
  func withTimer<Result>(_ identifier: Int32, _ body: (PosixTimer) -> Result) -> Result? {
    lock.withLock {
      var next = first
      while let timer = next {
        if timer.identifier == identifier { return body(timer) }
        next = timer.next
      }
      return nil
    }
  }

  /// - Returns: whether there was one.
  func delete(_ identifier: Int32) -> Bool {
    let deleted: PosixTimer? = lock.withLock {
      var previous: PosixTimer?
      var next = first
      while let timer = next {
        if timer.identifier == identifier {
          if let previous { previous.next = timer.next } else { first = timer.next }
          timer.next = nil
          return timer
        }
        previous = timer
        next = timer.next
      }
      return nil
    }
    deleted?.end(process)
    return deleted != nil
  }

  /// execve(2) and the end take them all.
  func deletePosixTimers() {
    while let identifier = lock.withLock({ first?.identifier }) { _ = delete(identifier) }
  }
}

extension KernelTimers {
  /// A timer in memory of its own; nil when that is out. `KernelHeap.deallocate` frees it.
  static func make(_ function: @escaping KernelTimer.Function) -> Pointer? {
    guard let memory = KernelHeap.allocate(size: MemoryLayout<KernelTimer>.size, alignment: 16) else { return nil }
    let timer = memory.bindMemory(to: KernelTimer.self, capacity: 1)
    timer.initialize(to: KernelTimer(function: function))
    return timer
  }
}

extension Process {
  /// The process's timers, made where there are none; nil when memory is out.
  func makeTimers() -> ProcessTimers? {
    if let timers = lock.withLock({ timers }) { return timers }
    guard Frames.freeCount > Frames.reserve, let new = ProcessTimers(self) else { return nil }
    return lock.withLock {
      if timers == nil { timers = new }
      return timers
    }
  }

  /// Has RLIMIT_CPU count, as it is now. Without memory it does not.
  func applyCPULimit() {
    let limit = lock.withLock { attributes.limits[.cpuTime] }
    if timers == nil, limit.soft == ResourceLimit.infinite, limit.hard == ResourceLimit.infinite { return }
    makeTimers()?.setLimit(limit)
  }
}
