import Core
import Machine

/// The clocks, and waiting for a time.
extension SystemCalls {
  /// A time that a program gives, in nanoseconds, with Linux's errors.
  static func timeSpecification(at address: UInt64) throws(Errno) -> UInt64 {
    guard let time = UserMemory.load(TimeSpecification.zero, from: address) else { throw .badAddress }
    guard let length = time.length else { throw .invalid }
    return length
  }

  private static func clock(_ number: UInt64) throws(Errno) -> ClockIdentifier {
    guard let clock = ClockIdentifier(Int32(truncatingIfNeeded: number)) else { throw .invalid }
    return clock
  }

  private static func store(_ nanoseconds: UInt64, to address: UInt64) throws(Errno) {
    guard UserMemory.store(TimeSpecification(nanoseconds: nanoseconds), to: address) else {
      throw .badAddress
    }
  }

  /// What a clock shows, in nanoseconds.
  static func read(_ clock: ClockIdentifier) throws(Errno) -> UInt64 {
    switch clock {
    case .monotonic, .monotonicRaw, .monotonicCoarse, .bootTime: return Time.nanosecondsSinceBoot
    case .realTime, .realTimeCoarse, .internationalAtomic: return WallClock.nanoseconds
    case .processTime(let identifier):
      return Time.nanoseconds(ticks: try process(ofClock: identifier).presentRunTicks)
    case .threadTime(let identifier):
      var ticks: UInt64 = 0
      do throws(Errno) {
        // Only of the caller's own process.
        try withThread(UInt64(UInt32(bitPattern: identifier))) { thread throws(Errno) in
          guard thread.pointee.processIdentifier == Scheduler.current.pointee.processIdentifier else {
            throw .invalid
          }
          ticks = thread.presentRunTicks
        }
      } catch {
        throw .invalid
      }
      return Time.nanoseconds(ticks: ticks)
    }
  }

  private static func process(ofClock identifier: Int32) throws(Errno) -> Process {
    if identifier == 0 { return Scheduler.current.pointee.process! }
    guard let process = Processes.find(identifier) else { throw .invalid }
    return process
  }

  /// clock_gettime(2)
  static func clock_gettime(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try store(read(clock(arguments.first)), to: arguments.second)
    return 0
  }

  /// clock_getres(2)
  static func clock_getres(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let clock = try clock(arguments.first)
    let resolution: UInt64
    switch clock {
    case .realTimeCoarse, .monotonicCoarse: resolution = 1_000_000_000 / Time.interruptsPerSecond
    default:
      if clock.isCPUTime { _ = try read(clock) }
      resolution = 1
    }
    if arguments.second != 0 { try store(resolution, to: arguments.second) }
    return 0
  }

  /// clock_settime(2): the wall clock alone can be set.
  static func clock_settime(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let clock = try clock(arguments.first)
    if clock.isCPUTime { throw .notPermitted }
    guard clock == .realTime else { throw .invalid }
    let time = try timeSpecification(at: arguments.second)
    try setWallClock(time)
    return 0
  }

  private static func setWallClock(_ nanoseconds: UInt64) throws(Errno) {
    guard Scheduler.current.pointee.process!.hasCapability(.setTime) else { throw .notPermitted }
    // A clock before its own start could not be read; one behind year 2262 does not fit 63 bits.
    guard nanoseconds >= Time.nanosecondsSinceBoot, nanoseconds < UInt64(Int64.max) else { throw .invalid }
    WallClock.set(nanoseconds: nanoseconds)
  }

  /// gettimeofday(2)
  static func gettimeofday(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    if arguments.first != 0 {
      let now = TimeValue(nanoseconds: WallClock.nanoseconds)
      guard UserMemory.store(now, to: arguments.first) else { throw .badAddress }
    }
    // A time zone is the C library's affair: UTC.
    if arguments.second != 0, !UserMemory.store(UInt64(0), to: arguments.second) { throw .badAddress }
    return 0
  }

  /// settimeofday(2)
  static func settimeofday(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var time: UInt64? = nil
    if arguments.first != 0 {
      guard let value = UserMemory.load(TimeValue(seconds: 0, microseconds: 0), from: arguments.first) else {
        throw .badAddress
      }
      guard let length = value.length else { throw .invalid }
      time = length
    }
    if arguments.second != 0, UserMemory.load(UInt64(0), from: arguments.second) == nil { throw .badAddress }
    guard Scheduler.current.pointee.process!.hasCapability(.setTime) else { throw .notPermitted }
    if let time { try setWallClock(time) }
    return 0
  }

  /// time(2)
  static func time(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let seconds = Int64(WallClock.nanoseconds / 1_000_000_000)
    if arguments.first != 0, !UserMemory.store(seconds, to: arguments.first) { throw .badAddress }
    return seconds
  }

  // MARK: Waiting

  /// nanosleep(2)
  static func nanosleep(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let length = try timeSpecification(at: arguments.first)
    try sleep(until: readTimeStampCounter() &+ Time.ticks(nanoseconds: length), remaining: arguments.second)
    return 0
  }

  /// clock_nanosleep(2)
  static func clock_nanosleep(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let clock = try clock(arguments.first)
    guard clock.canBeSleptOn else { throw .notSupported }
    let isAbsolute = arguments.second & 1 != 0  // TIMER_ABSTIME
    let time = try timeSpecification(at: arguments.third)
    if case .processTime = clock {
      let (end, isNever) = (isAbsolute ? 0 : try read(clock)).addingReportingOverflow(time)
      try sleep(onCPUTime: clock, until: isNever ? .max : end)
      return 0
    }
    if !isAbsolute {
      try sleep(until: readTimeStampCounter() &+ Time.ticks(nanoseconds: time), remaining: arguments.fourth)
      return 0
    }
    // The wall clock may be set meanwhile.
    while true {
      let deadline = deadline(of: clock, at: time)
      if !Sleep.until(deadline) { throw .restartUnlessHandled }
      if try read(clock) >= time { return 0 }
    }
  }

  /// A time of a clock as a deadline in TSC ticks.
  static func deadline(of clock: ClockIdentifier, at nanoseconds: UInt64) -> UInt64 {
    switch clock {
    case .realTime, .internationalAtomic:
      Time.deadline(nanosecondsSinceBoot: WallClock.nanosecondsSinceBoot(at: nanoseconds))
    default: Time.deadline(nanosecondsSinceBoot: nanoseconds)
    }
  }

  /// - Parameter remaining: where the rest is stored after a signal; 0 for nowhere.
  static func sleep(until deadline: UInt64, remaining: UInt64) throws(Errno) {
    if Sleep.until(deadline) { return }
    if remaining != 0 {
      let now = readTimeStampCounter()
      try store(Time.nanoseconds(ticks: deadline > now ? deadline - now : 0), to: remaining)
    }
    Scheduler.current.pointee.signals.restart = .sleep(deadline: deadline, remaining: remaining)
    throw .restartBlock
  }

  /// Waits for a process to have had so much time on CPUs: it gets at most one second in a second on each.
  private static func sleep(onCPUTime clock: ClockIdentifier, until nanoseconds: UInt64) throws(Errno) {
    while true {
      let now = try read(clock)
      if now >= nanoseconds { return }
      let length = max((nanoseconds - now) / UInt64(CPUs.count), 1_000_000)
      if !Sleep.until(readTimeStampCounter() &+ Time.ticks(nanoseconds: length)) {
        throw .restartUnlessHandled
      }
    }
  }
}
