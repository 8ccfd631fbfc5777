import Core
import Machine

/// Waiting for a time.
public enum Sleep {
  /// Values of a thread's `sleepsOnCPU`: it is on no list of sleepers.
  static var onNoCPU: Int32 { -1 }
  /// It has been taken off the list, and the CPU that did so still refers to it.
  static var beingWoken: Int32 { -2 }

  /// Blocks the current thread at least until a time in TSC ticks; a signal ends the wait early.
  ///
  /// - Returns: whether the time was reached.
  public static func until(_ deadline: UInt64) -> Bool {
    let thread = Scheduler.current
    while readTimeStampCounter() < deadline {
      if thread.pointee.head.hasSignal != 0 {
        cancel(thread)
        return false
      }
      Interrupts.withDisabled { markBlocked(thread, until: deadline) }
      Scheduler.block()
    }
    cancel(thread)
    return true
  }

  public static func milliseconds(_ count: UInt64) {
    _ = until(readTimeStampCounter() &+ Time.ticks(nanoseconds: count &* 1_000_000))
  }

  /// Makes the current thread blocked, to be woken at the deadline at the latest. Interrupts are disabled.
  ///
  /// - Parameter isInterruptible: whether a signal keeps it from being blocked.
  static func markBlocked(
    _ thread: ThreadPointer, until deadline: UInt64?, isInterruptible: Bool = true
  ) {
    let cpu = CPURecord.current
    waitForWaker(of: thread)
    if let deadline, thread.pointee.sleepsOnCPU < 0 {
      cpu.pointee.queueLock.acquire()
      cpu.pointee.sleepers.insert(thread, deadline: deadline)
      thread.pointee.sleepsOnCPU = Int32(cpu.pointee.number)
      cpu.pointee.queueLock.release()
    }
    let home = CPUs[Int(thread.pointee.cpu)]
    home.pointee.queueLock.acquire()
    // A signal that came before is seen here, one that comes later wakes a blocked thread.
    if !isInterruptible || thread.pointee.head.hasSignal == 0 { thread.pointee.state = .blocked }
    home.pointee.queueLock.release()
  }

  /// Takes the current thread off the list of sleepers, if it is on one.
  static func cancel(_ thread: ThreadPointer) {
    waitForWaker(of: thread)
    if thread.pointee.sleepsOnCPU < 0 { return }
    Interrupts.withDisabled {
      let number = thread.pointee.sleepsOnCPU
      if number < 0 { return }
      let cpu = CPUs[Int(number)]
      cpu.pointee.queueLock.acquire()
      if thread.pointee.sleepsOnCPU >= 0 {
        cpu.pointee.sleepers.remove(thread)
        thread.pointee.sleepsOnCPU = onNoCPU
      }
      cpu.pointee.queueLock.release()
      waitForWaker(of: thread)
    }
  }

  /// Waits until another CPU that found the current thread's time come is done with it: a thread that went on
  /// before could end and be freed under the hands of its waker. Short, since wakers disable interrupts.
  private static func waitForWaker(of thread: ThreadPointer) {
    while thread.pointee.sleepsOnCPU == beingWoken { spinHint() }
  }

  /// Wakes this CPU's threads whose time has come: from the timer interrupt.
  static func wakeExpired(_ now: UInt64) {
    let cpu = CPURecord.current
    while true {
      cpu.pointee.queueLock.acquire()
      let thread = cpu.pointee.sleepers.popExpired(now: now)
      thread?.pointee.sleepsOnCPU = beingWoken
      cpu.pointee.queueLock.release()
      guard let thread else { return }
      Scheduler.wake(thread)
      thread.pointee.sleepsOnCPU = onNoCPU
    }
  }
}
