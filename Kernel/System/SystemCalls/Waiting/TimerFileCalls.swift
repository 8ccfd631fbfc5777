import Core
import Machine

extension SystemCalls {
  /// timerfd_create(2)
  static func timerfd_create(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = OpenFlags(rawValue: UInt32(truncatingIfNeeded: arguments.second))
    guard flags.isSubset(of: [.closeOnExec, .nonBlocking]) else { throw .invalid }
    let clock = ClockIdentifier(Int32(truncatingIfNeeded: arguments.first))
    guard let clock, clock == .realTime || clock == .monotonic || clock == .bootTime else { throw .invalid }
    guard Frames.freeCount > Frames.reserve, let alarm = TimerAlarm() else { throw .outOfMemory }
    let file = TimerFile(
      node: AnonymousFiles.eventNode, flags: flags.intersection(.nonBlocking).union(.readWrite), alarm: alarm,
      clock: clock)
    return try addDescriptor(file, closesOnExec: flags.contains(.closeOnExec))
  }

  /// timerfd_settime(2)
  static func timerfd_settime(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = arguments.second & 0xFFFF_FFFF
    guard let new = UserMemory.load(TimerSpecification(), from: arguments.third) else { throw .badAddress }
    // TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET
    guard flags & ~3 == 0, let value = new.value.length, let interval = new.interval.length else { throw .invalid }
    let timer = try timerFile(arguments.first)
    var setting = TimerAlarm.Setting(value: 0, interval: interval)
    if value != 0 {
      let now = Time.nanosecondsSinceBoot
      if flags & 1 == 0 {
        setting.value = now &+ min(value, 1 << 62)
      } else if timer.clock == .realTime {
        setting.value = max(WallClock.nanosecondsSinceBoot(at: value), 1)
      } else {
        setting.value = value
      }
    }
    let old = timer.alarm.set(setting)
    if arguments.fourth != 0 { try store(old, to: arguments.fourth) }
    return 0
  }

  /// timerfd_gettime(2)
  static func timerfd_gettime(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try store(try timerFile(arguments.first).alarm.setting, to: arguments.second)
    return 0
  }

  private static func timerFile(_ descriptor: UInt64) throws(Errno) -> TimerFile {
    guard let timer = try file(descriptor).timer else { throw .invalid }
    return timer
  }

  /// `struct itimerspec`
  private static func store(_ setting: TimerAlarm.Setting, to address: UInt64) throws(Errno) {
    guard UserMemory.store(TimeSpecification(nanoseconds: setting.interval), to: address),
      UserMemory.store(TimeSpecification(nanoseconds: setting.value), to: address &+ 16)
    else { throw .badAddress }
  }
}
