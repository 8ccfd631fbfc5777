import Core
import Machine

/// Linux's `struct timespec`.
struct TimeSpecification: BitwiseCopyable {
  var seconds: Int64
  var nanoseconds: Int64

  /// The length in nanoseconds, or nil for a value that is no length.
  var length: UInt64? {
    guard seconds >= 0, nanoseconds >= 0, nanoseconds < 1_000_000_000 else { return nil }
    let (product, overflows) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflows ? .max : product &+ UInt64(nanoseconds) < product ? .max : product &+ UInt64(nanoseconds)
  }

  init(seconds: Int64, nanoseconds: Int64) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  init(nanoseconds: UInt64) {
    seconds = Int64(nanoseconds / 1_000_000_000)
    self.nanoseconds = Int64(nanoseconds % 1_000_000_000)
  }

  static var zero: TimeSpecification { TimeSpecification(seconds: 0, nanoseconds: 0) }
}

extension SystemCalls {
  /// A time that a program gives, with Linux's errors.
  static func timeSpecification(at address: UInt64) throws(Errno) -> UInt64 {
    guard let time = UserMemory.load(TimeSpecification.zero, from: address) else { throw .badAddress }
    guard let length = time.length else { throw .invalid }
    return length
  }

  /// nanosleep(2)
  static func nanosleep(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let length = try timeSpecification(at: arguments.first)
    let deadline = readTimeStampCounter() &+ Time.ticks(nanoseconds: length)
    if Sleep.until(deadline) { return 0 }
    if arguments.second != 0 {
      let now = readTimeStampCounter()
      let ticks = deadline > now ? deadline - now : 0
      let remaining = TimeSpecification(nanoseconds: Time.nanoseconds(ticks: ticks))
      guard UserMemory.store(remaining, to: arguments.second) else { throw .badAddress }
    }
    throw .interrupted
  }

  /// clock_gettime(2): every clock counts from the start of the machine; CPU-time clocks the thread's or
  /// process's time.
  static func clock_gettime(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let nanoseconds: UInt64
    switch arguments.first {
    case 0, 1, 4, 5, 6, 7, 11: nanoseconds = Time.nanosecondsSinceBoot
    case 2: nanoseconds = Time.nanoseconds(ticks: Scheduler.current.pointee.process!.counters.runTicks)
    case 3: nanoseconds = Time.nanoseconds(ticks: Scheduler.current.pointee.runTicks)
    default: throw .invalid
    }
    guard UserMemory.store(TimeSpecification(nanoseconds: nanoseconds), to: arguments.second) else {
      throw .badAddress
    }
    return 0
  }
}
