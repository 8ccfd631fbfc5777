import Core
import Machine

/// Timers that send signals.
extension SystemCalls {
  // MARK: One of each kind

  /// Linux's `struct itimerval`.
  private struct IntervalValue: BitwiseCopyable {
    var interval = TimeValue(nanoseconds: 0)
    var value = TimeValue(nanoseconds: 0)
  }

  private static func timerKind(_ argument: UInt64) throws(Errno) -> ProcessTimers.Kind {
    guard argument & 0xFFFF_FFFF < 3, let kind = ProcessTimers.Kind(rawValue: Int(argument & 3)) else {
      throw .invalid
    }
    return kind
  }

  /// Microseconds are as fine as it gets: what is left is never shown as nothing.
  private static func intervalValue(_ times: (value: UInt64, interval: UInt64)) -> IntervalValue {
    IntervalValue(
      interval: TimeValue(nanoseconds: times.interval),
      value: TimeValue(nanoseconds: times.value == 0 ? 0 : max(times.value, 1000)))
  }

  /// getitimer(2)
  static func getitimer(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let kind = try timerKind(arguments.first)
    let times = Scheduler.current.pointee.process!.timers?.get(kind) ?? (0, 0)
    guard UserMemory.store(intervalValue(times), to: arguments.second) else { throw .badAddress }
    return 0
  }

  /// setitimer(2); as on Linux a null pointer disarms the timer.
  static func setitimer(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var new = IntervalValue()
    if arguments.second != 0 {
      guard let given = UserMemory.load(new, from: arguments.second) else { throw .badAddress }
      new = given
    }
    guard let value = new.value.length, let interval = new.interval.length else { throw .invalid }
    let kind = try timerKind(arguments.first)
    guard let timers = Scheduler.current.pointee.process!.makeTimers() else { throw .outOfMemory }
    let old = timers.set(kind, value: value, interval: value == 0 ? 0 : interval)
    if arguments.third != 0, !UserMemory.store(intervalValue(old), to: arguments.third) { throw .badAddress }
    return 0
  }

  /// alarm(2): in seconds, rounded as on Linux, where something that is left is never nothing.
  static func alarm(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard let timers = Scheduler.current.pointee.process!.makeTimers() else { throw .outOfMemory }
    let seconds = arguments.first & 0xFFFF_FFFF
    let old = timers.set(.real, value: seconds * 1_000_000_000, interval: 0).value
    let rounded = (old &+ 500_000_000) / 1_000_000_000
    return Int64(old > 0 ? max(rounded, 1) : 0)
  }

  // MARK: Any number

  /// Linux's `struct itimerspec`.
  struct TimerSpecification: BitwiseCopyable {
    var interval = TimeSpecification.zero
    var value = TimeSpecification.zero
  }

  /// The beginning of Linux's `struct sigevent`.
  private struct SignalEvent: BitwiseCopyable {
    var value: UInt64 = 0
    var signal: Int32 = Int32(Signal.alarm.rawValue)
    var notification: Int32 = 0
    var thread: Int32 = 0
    var padding: Int32 = 0
  }

  /// timer_create(2)
  static func timer_create(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    // An event that cannot be read comes before all that is wrong with the clock.
    var event = SignalEvent()
    if arguments.second != 0 {
      guard let given = UserMemory.load(event, from: arguments.second) else { throw .badAddress }
      event = given
    }
    guard let clock = ClockIdentifier(Int32(truncatingIfNeeded: arguments.first)) else { throw .invalid }
    switch clock {
    case .realTime, .monotonic, .bootTime, .internationalAtomic: break
    case .processTime, .threadTime: try checkOwnTime(clock)
    default: throw .notSupported
    }
    let process = Scheduler.current.pointee.process!
    let notification = try notification(event, process)
    guard let signal = Signal(rawValue: UInt8(truncatingIfNeeded: event.signal)) ?? (event.notification == 1 ? .alarm : nil)
    else { throw .invalid }
    guard let timers = process.makeTimers(), timers.posixTimerCount < process.queuedSignalLimit,
      Frames.freeCount > Frames.reserve,
      let timer = PosixTimer(process, clock: clock, notification: notification, signal: signal, value: event.value)
    else { throw .tryAgain }
    timers.add(timer)
    if arguments.second == 0 { timer.record.pointee.information.fields.1 = UInt64(UInt32(bitPattern: timer.identifier)) }
    guard UserMemory.store(timer.identifier, to: arguments.third) else {
      _ = timers.delete(timer.identifier)
      throw .badAddress
    }
    return 0
  }

  /// CPU-time timers go by the caller's own process or one of its threads.
  private static func checkOwnTime(_ clock: ClockIdentifier) throws(Errno) {
    _ = try read(clock)
    if case .processTime(let identifier) = clock {
      guard identifier == 0 || identifier == Scheduler.current.pointee.processIdentifier else { throw .notSupported }
    }
  }

  private static func notification(
    _ event: SignalEvent, _ process: Process
  ) throws(Errno) -> PosixTimer.Notification {
    if event.notification != 1, event.signal < 1 || event.signal > 64 { throw .invalid }
    switch event.notification {
    case 0, 2: return .process  // SIGEV_SIGNAL; SIGEV_THREAD is the C library's affair
    case 1: return .nobody  // SIGEV_NONE
    case 4:  // SIGEV_THREAD_ID
      guard Signals.send(nil, to: process, thread: event.thread) != nil else { throw .invalid }
      return .thread(event.thread)
    default: throw .invalid
    }
  }

  /// timer_settime(2)
  static func timer_settime(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.third != 0 else { throw .invalid }
    guard let new = UserMemory.load(TimerSpecification(), from: arguments.third) else { throw .badAddress }
    guard let value = new.value.length, let interval = new.interval.length else { throw .invalid }
    let isAbsolute = arguments.second & 1 != 0  // TIMER_ABSTIME
    let old = try withTimer(arguments.first) { timer in
      let old = timer.current
      var deadline: UInt64 = 0
      if value != 0 {
        if !isAbsolute {
          deadline = timer.now &+ Time.ticks(nanoseconds: value)
        } else if timer.clock.isCPUTime {
          deadline = max(Time.ticks(nanoseconds: value), 1)
        } else {
          deadline = max(SystemCalls.deadline(of: timer.clock, at: value), 1)
        }
      }
      timer.set(deadline: deadline, interval: interval)
      return old
    }
    if arguments.fourth != 0 { try store(old, to: arguments.fourth) }
    return 0
  }

  /// timer_gettime(2)
  static func timer_gettime(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try store(try withTimer(arguments.first) { $0.current }, to: arguments.second)
    return 0
  }

  /// timer_getoverrun(2)
  static func timer_getoverrun(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    Int64(try withTimer(arguments.first) { $0.overrun })
  }

  /// timer_delete(2)
  static func timer_delete(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard let timers = Scheduler.current.pointee.process!.timers,
      timers.delete(Int32(truncatingIfNeeded: arguments.first))
    else { throw .invalid }
    return 0
  }

  private static func withTimer<Result>(
    _ argument: UInt64, _ body: (PosixTimer) -> Result
  ) throws(Errno) -> Result {
    guard let timers = Scheduler.current.pointee.process!.timers,
      let result = timers.withTimer(Int32(truncatingIfNeeded: argument), body)
    else { throw .invalid }
    return result
  }

  private static func store(_ times: (value: UInt64, interval: UInt64), to address: UInt64) throws(Errno) {
    let specification = TimerSpecification(
      interval: TimeSpecification(nanoseconds: times.interval), value: TimeSpecification(nanoseconds: times.value))
    guard UserMemory.store(specification, to: address) else { throw .badAddress }
  }
}
