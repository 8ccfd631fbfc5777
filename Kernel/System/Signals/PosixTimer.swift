import Core
import Machine

/// A timer of timer_create(2).
final class PosixTimer: @unchecked Sendable {
  /// Whom an expiry is told.
  enum Notification {
    case nobody
    case process
    /// A thread, by its identifier.
    case thread(Int32)
  }

  unowned(unsafe) let process: Process
  let clock: ClockIdentifier
  let notification: Notification
  var identifier: Int32 = 0 {
    didSet { record.pointee.information.fields.0 = UInt64(UInt32(bitPattern: identifier)) }
  }
  /// The signal, which waits at most once: expiries meanwhile are counted (SA_SIGINFO's `si_overrun`).
  let record: PendingSignals.Record
  private let timer: KernelTimers.Pointer
  /// In TSC ticks: of elapsed time, or of the time that its process or thread has had on CPUs.
  var schedule = TimerSchedule.disarmed
  /// For the clock of a thread, that one; nil for others.
  let cpuThread: Int32?
  /// The next armed CPU-time timer of the process, under the lock of those.
  var nextCPUTimer: PosixTimer?
  /// The next timer of the process.
  var next: PosixTimer?

  /// - Parameters:
  ///   - value: goes with the signal; nil for the identifier.
  /// - Returns: nil when memory is out.
  init?(_ process: Process, clock: ClockIdentifier, notification: Notification, signal: Signal, value: UInt64) {
    guard let memory = KernelHeap.allocate(size: MemoryLayout<QueuedSignal>.size, alignment: 16) else { return nil }
    guard let timer = KernelTimers.make({ PosixTimer.expired($0) }) else {
      KernelHeap.deallocate(memory)
      return nil
    }
    record = memory.bindMemory(to: QueuedSignal.self, capacity: 1)
    record.initialize(
      to: QueuedSignal(.timer(signal, timer: 0, overrun: 0, value: value), isOwned: true))
    self.process = process
    self.clock = clock
    if case .threadTime(let thread) = clock {
      cpuThread = thread == 0 ? Scheduler.current.pointee.identifier : thread
    } else {
      cpuThread = nil
    }
    self.notification = notification
    self.timer = timer
    timer.pointee.context = UInt64(UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()))
  }

  deinit {
    KernelHeap.deallocate(timer)
    KernelHeap.deallocate(record)
  }

  /// Stops it for good, and takes its signal off the queue.
  func end(_ process: Process) {
    stop()
    process.signalLock.withLock {
      guard record.pointee.isQueued else { return }
      process.signals.pending.remove(record)
      process.forEachThreadWithSignalsLocked { $0.pointee.signals.pending.remove(record) }
    }
  }

  /// timer_settime(2), under the lock of the process's timers.
  ///
  /// - Parameters:
  ///   - deadline: in TSC ticks, of its clock's time; 0 to disarm it.
  ///   - interval: in nanoseconds.
  func set(deadline: UInt64, interval: UInt64) {
    stop()
    guard deadline != 0 else { return }
    let new = TimerSchedule(expiry: deadline, interval: interval == 0 ? 0 : Time.ticks(nanoseconds: interval))
    if clock.isCPUTime {
      process.timers?.startCPUTimer(self, new)
      return
    }
    schedule = new
    KernelTimers.start(timer, at: deadline)
  }

  private func stop() {
    if clock.isCPUTime {
      process.timers?.stopCPUTimer(self)
    } else {
      KernelTimers.cancel(timer)
      schedule = .disarmed
    }
  }

  /// What its clock shows, in TSC ticks.
  var now: UInt64 {
    guard clock.isCPUTime else { return readTimeStampCounter() }
    guard let cpuThread else { return process.presentRunTicks }
    var ticks: UInt64 = 0
    process.forEachThread { if $0.pointee.identifier == cpuThread { ticks = $0.presentRunTicks } }
    return ticks
  }

  /// What is left, and the interval, in nanoseconds.
  var current: (value: UInt64, interval: UInt64) {
    let ticks = schedule.remaining(at: now)
    return (ticks == 0 ? 0 : max(Time.nanoseconds(ticks: ticks), 1), Time.nanoseconds(ticks: schedule.interval))
  }

  /// timer_getoverrun(2): of the signal that was taken last.
  var overrun: Int32 { record.pointee.takenOverrun }

  /// Sends the signal if the time has come. In any context.
  @discardableResult
  func expire(at now: UInt64) -> Bool {
    let passed = schedule.advance(to: now)
    guard passed > 0 else { return false }
    switch notification {
    case .nobody: break
    case .process: Signals.send(record, to: process, thread: nil, expiries: passed)
    case .thread(let identifier): Signals.send(record, to: process, thread: identifier, expiries: passed)
    }
    return true
  }

  private static func expired(_ timer: UnsafeMutableRawPointer) {
    let record = timer.assumingMemoryBound(to: KernelTimer.self)
    // SAFETY: the timer is cancelled before its owner goes.
    let owner = Unmanaged<PosixTimer>.fromOpaque(
      UnsafeRawPointer(bitPattern: UInt(record.pointee.context)).unsafelyUnwrapped
    ).takeUnretainedValue()
    guard owner.expire(at: readTimeStampCounter()) else { return }
    if owner.schedule.isArmed { KernelTimers.start(record, at: owner.schedule.expiry) }
  }
}
