import Core
import Machine

/// What poll(2), select(2) and epoll_wait(2) have in common: timeouts and signal masks.
extension SystemCalls {
  /// A deadline in TSC ticks of a timeout in milliseconds: nil for none, which a negative one is; 0 for no waiting.
  static func deadline(milliseconds: Int32) -> UInt64? {
    if milliseconds < 0 { return nil }
    if milliseconds == 0 { return 0 }
    return deadline(nanoseconds: UInt64(milliseconds) * 1_000_000)
  }

  static func deadline(nanoseconds: UInt64) -> UInt64 {
    nanoseconds == 0 ? 0 : readTimeStampCounter() &+ Time.ticks(nanoseconds: nanoseconds)
  }

  /// As above of a `struct timespec`; nil for address 0.
  static func deadline(timeSpecificationAt address: UInt64) throws(Errno) -> UInt64? {
    address == 0 ? nil : deadline(nanoseconds: try timeSpecification(at: address))
  }

  /// What is left until a deadline, in nanoseconds.
  static func remainingNanoseconds(until deadline: UInt64) -> UInt64 {
    let now = readTimeStampCounter()
    return deadline > now ? Time.nanoseconds(ticks: deadline - now) : 0
  }

  /// Changes the thread's signal mask for the length of `body`. A handler that runs on account of it runs under the
  /// new mask, and the old one comes back after it (ppoll(2), pselect(2), epoll_pwait(2)).
  ///
  /// - Parameter address: of the mask; 0 for no change.
  static func withSignalMask<Result>(
    at address: UInt64, size: UInt64, _ body: () throws(Errno) -> Result
  ) throws(Errno) -> Result {
    if address == 0 { return try body() }
    guard size == 8 else { throw .invalid }
    guard let mask = UserMemory.load(UInt64(0), from: address) else { throw .badAddress }
    let thread = Scheduler.current
    SignalMask.setForCall(SignalSet(rawValue: mask), of: thread)
    let result: Result
    do throws(Errno) {
      result = try body()
    } catch {
      // A handler comes first: the way back to user mode ends the change.
      if error != .interrupted, error != .restartUnlessHandled { SignalMask.endCall(of: thread) }
      throw error
    }
    SignalMask.endCall(of: thread)
    return result
  }
}
