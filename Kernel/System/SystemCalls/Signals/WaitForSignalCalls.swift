import Core
import Machine

/// Waiting for signals.
extension SystemCalls {
  /// pause(2)
  static func pause() throws(Errno) -> Int64 {
    _ = SignalWait.sleep(until: nil)
    throw .restartUnlessHandled
  }

  /// rt_sigsuspend, as sigsuspend(2)
  static func rt_sigsuspend(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let mask = try signalSet(at: arguments.first, size: arguments.second)
    SignalMask.setForCall(mask, of: Scheduler.current)
    _ = SignalWait.sleep(until: nil)
    throw .restartUnlessHandled
  }

  /// rt_sigtimedwait, as sigtimedwait(2)
  static func rt_sigtimedwait(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let set = try signalSet(at: arguments.first, size: arguments.fourth).subtracting(.unblockable)
    var deadline: UInt64?
    if arguments.third != 0 {
      deadline = readTimeStampCounter() &+ Time.ticks(nanoseconds: try timeSpecification(at: arguments.third))
    }
    let information = try SignalWait.take(set, until: deadline)
    if arguments.second != 0 {
      guard UserMemory.store(information, to: arguments.second),
        UserMemory.clear(
          arguments.second &+ UInt64(MemoryLayout<SignalInformation>.size),
          count: SignalInformation.userSizeInBytes - MemoryLayout<SignalInformation>.size)
      else { throw .badAddress }
    }
    return Int64(information.number)
  }
}
