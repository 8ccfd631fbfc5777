import Core
import Machine

/// The timer behind a timerfd: kept apart from the open file, so that the timer interrupt has something to refer to.
///
/// Its times are nanoseconds of the kernel's own clock. Expirations are counted when somebody looks; the kernel's
/// timer only wakes who waits.
final class TimerAlarm: @unchecked Sendable {
  /// Serialises changes, which wait for the timer's function.
  private let control = Mutex()
  /// Guards the times. Taken inside the lock of the readiness's queue; the timers' lock is taken inside.
  private var lock = InterruptLock()
  /// The next expiration that has not been read; 0 where the timer is off.
  private var next: UInt64 = 0
  /// Between two; 0 for a single one.
  private var interval: UInt64 = 0
  private let timer: UnsafeMutablePointer<KernelTimer>
  let readiness = Readiness()

  struct Setting {
    /// Until the next expiration, or from the start of the kernel's clock to it; 0 where the timer is off.
    var value: UInt64
    var interval: UInt64
  }

  init?() {
    guard
      let memory = KernelHeap.allocate(
        size: MemoryLayout<KernelTimer>.size, alignment: MemoryLayout<KernelTimer>.alignment)
    else { return nil }
    timer = memory.bindMemory(to: KernelTimer.self, capacity: 1)
    timer.initialize(
      to: KernelTimer { pointer in
        let timer = pointer.assumingMemoryBound(to: KernelTimer.self)
        let alarm = UnsafeRawPointer(bitPattern: UInt(timer.pointee.context)).unsafelyUnwrapped
        Unmanaged<TimerAlarm>.fromOpaque(alarm).takeUnretainedValue().goOff()
      })
    timer.pointee.context = UInt64(UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()))
  }

  deinit { KernelHeap.deallocate(timer) }

  /// Stops the timer for good: before the last reference goes.
  func stop() { _ = set(Setting(value: 0, interval: 0)) }

  /// From the timer interrupt. What expires again before it has been read wakes nobody again, as on Linux.
  private func goOff() { readiness.notify([.input, .inputNormal]) }

  /// Another setting, whose value is absolute.
  ///
  /// - Returns: what was left of the old one.
  func set(_ setting: Setting) -> Setting {
    control.withLock {
      KernelTimers.cancel(timer)
      return lock.withLock {
        let old = remaining()
        // Whoever has read meanwhile may have started it again.
        KernelTimers.tryCancel(timer)
        next = setting.value
        interval = setting.value == 0 ? 0 : setting.interval
        if next != 0 { KernelTimers.start(timer, at: Time.deadline(nanosecondsSinceBoot: next)) }
        return old
      }
    }
  }

  var setting: Setting { lock.withLock { remaining() } }

  /// The lock is held.
  private func remaining() -> Setting {
    let now = Time.nanosecondsSinceBoot
    if next == 0 { return Setting(value: 0, interval: interval) }
    if now < next { return Setting(value: next - now, interval: interval) }
    if interval == 0 { return Setting(value: 0, interval: 0) }
    return Setting(value: interval - (now - next) % interval, interval: interval)
  }

  /// Expirations since the last read. The lock is held.
  private var count: UInt64 {
    let now = Time.nanosecondsSinceBoot
    if next == 0 || now < next { return 0 }
    return interval == 0 ? 1 : (now - next) / interval + 1
  }

  /// Beyond all times is never.
  private static func expiry(_ first: UInt64, after count: UInt64, intervals interval: UInt64) -> UInt64 {
    let (span, isTooLong) = interval.multipliedReportingOverflow(by: count)
    let (time, isTooLate) = first.addingReportingOverflow(span)
    return isTooLong || isTooLate ? .max : time
  }

  var hasExpired: Bool { lock.withLock { count > 0 } }

  /// How often the timer has expired; it begins to count anew.
  func takeCount() -> UInt64 {
    lock.withLock {
      let taken = count
      if taken == 0 { return 0 }
      next = interval == 0 ? 0 : Self.expiry(next, after: taken, intervals: interval)
      // It may be late, and has still to go off.
      KernelTimers.tryCancel(timer)
      if next != 0 { KernelTimers.start(timer, at: Time.deadline(nanosecondsSinceBoot: next)) }
      return taken
    }
  }
}

/// A timer as a file (timerfd_create(2)).
final class TimerFile: OpenFile, @unchecked Sendable {
  override func refusesTransfer(reading: Bool) -> Bool { !reading }

  override var anonymousName: StaticString { "[timerfd]" }
  let alarm: TimerAlarm
  let clock: ClockIdentifier

  init(node: FileNode, flags: OpenFlags, alarm: TimerAlarm, clock: ClockIdentifier) {
    self.alarm = alarm
    self.clock = clock
    super.init(node: node, flags: flags)
  }

  deinit { alarm.stop() }

  override var timer: TimerFile? { self }
  override var readiness: Readiness? { alarm.readiness }
  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 { 0 }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    guard buffer.remaining >= 8 else { throw .invalid }
    var count = alarm.takeCount()
    while count == 0 {
      if isNonBlocking { throw .tryAgain }
      if alarm.readiness.queue.wait({ alarm.hasExpired }) == .interrupted { throw .restart }
      count = alarm.takeCount()
    }
    try withUnsafeBytes(of: &count) { bytes throws(Errno) in try buffer.put(bytes) }
    return 8
  }

  override func poll() -> PollEvents { alarm.hasExpired ? [.input, .inputNormal] : [] }
}
