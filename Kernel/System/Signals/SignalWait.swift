import Core
import Machine

/// The current thread waits for a signal.
enum SignalWait {
  /// Sleeps until a signal is there for the thread, or until a time in TSC ticks.
  ///
  /// - Returns: whether the time came first.
  static func sleep(until deadline: UInt64?) -> Bool {
    let thread = Scheduler.current
    defer { Sleep.cancel(thread) }
    while true {
      if thread.pointee.head.hasSignal != 0 { return false }
      if let deadline, readTimeStampCounter() >= deadline { return true }
      Interrupts.withDisabled { Sleep.markBlocked(thread, until: deadline) }
      Scheduler.block()
    }
  }

  /// Takes the next signal of a set, waiting for it where none is pending (sigtimedwait(2)).
  static func take(_ set: SignalSet, until deadline: UInt64?) throws(Errno) -> SignalInformation {
    let thread = Scheduler.current
    let process = thread.pointee.process!
    var wereEnabled = process.signalLock.acquire()
    var wasUnblocked: SignalSet = []
    while true {
      let found = dequeue(set, process, thread)
      // Others leave to a thread that waits what it does not take in the end.
      if !wasUnblocked.isEmpty { Signals.retarget(wasUnblocked, from: thread, process) }
      if let found {
        process.signalLock.release(wereEnabled)
        return found
      }
      if let deadline, readTimeStampCounter() >= deadline {
        process.signalLock.release(wereEnabled)
        throw .tryAgain
      }
      // The flag may be a leftover of something that has been seen to.
      thread.pointee.head.hasSignal = 0
      memoryFence()
      if SignalDelivery.isDue(process, thread) {
        thread.pointee.head.hasSignal = 1
        process.signalLock.release(wereEnabled)
        throw .interrupted
      }
      let blocked = thread.pointee.signals.blocked
      thread.pointee.signals.blocked = blocked.subtracting(set)
      wasUnblocked = blocked.intersection(set)
      thread.pointee.signals.waitedFor = wasUnblocked
      process.signalLock.release(wereEnabled)
      _ = sleep(until: deadline)
      wereEnabled = process.signalLock.acquire()
      thread.pointee.signals.blocked = blocked
      thread.pointee.signals.waitedFor = []
    }
  }

  /// Takes a pending signal of a set. The signal lock is held.
  private static func dequeue(
    _ set: SignalSet, _ process: Process, _ thread: ThreadPointer
  ) -> SignalInformation? {
    let own = thread.pointee.signals.pending.signals.intersection(set)
    let shared = process.signals.pending.signals.intersection(set)
    guard let signal = own.next ?? shared.next else { return nil }
    let record =
      own.isEmpty ? process.signals.pending.take(signal) : thread.pointee.signals.pending.take(signal)
    guard let record else { return .fromProcess(signal, process: 0, user: 0) }
    let information = record.pointee.information
    if !record.pointee.isOwned { SignalRecords.free(record) }
    return information
  }
}
