import Core
import Machine

/// Which CPU runs a thread: at its start, when it is woken, and when the load is uneven.
///
/// Interrupts are disabled in all of these.
enum Placement {
  /// The CPUs that may run a thread now: those of its affinity, or any where all of those are offline.
  static func allowedCPUs(_ thread: ThreadPointer) -> UInt64 {
    let allowed = thread.pointee.affinity & CPUs.onlineMask
    return allowed == 0 ? CPUs.onlineMask : allowed
  }

  /// The least loaded of the CPUs that may run the thread; the one it was on where that is as good.
  static func choose(for thread: ThreadPointer) -> Int {
    let allowed = allowedCPUs(thread)
    var best = Int(thread.pointee.cpu)
    var bestLoad = allowed & (1 << UInt64(best)) != 0 ? load(best) : Int.max
    for number in 0..<CPUs.count where allowed & (1 << UInt64(number)) != 0 {
      let candidate = load(number)
      if candidate < bestLoad {
        best = number
        bestLoad = candidate
      }
    }
    return best
  }

  /// As above for a woken thread: it stays where it was unless another CPU is idle and this one is not.
  static func chooseForWoken(_ thread: ThreadPointer) -> Int {
    let home = Int(thread.pointee.cpu)
    let allowed = allowedCPUs(thread)
    if allowed & (1 << UInt64(home)) != 0 {
      let priority = thread.pointee.scheduling.priority
      if priority != 0, !isIdle(home) { return chooseForRealTime(home, allowed, priority) }
      if CPUs.count == 1 || isIdle(home) { return home }
      for number in 0..<CPUs.count where allowed & (1 << UInt64(number)) != 0 && isIdle(number) {
        return number
      }
      return home
    }
    return choose(for: thread)
  }

  /// A thread with a real-time priority goes where it runs at once: where it was, or where the least is running.
  @inline(never)
  private static func chooseForRealTime(_ home: Int, _ allowed: UInt64, _ priority: UInt8) -> Int {
    var best = home
    var least = CPUs[home].pointee.queue.runningPriority
    if least < priority { return home }
    for number in 0..<CPUs.count where allowed & (1 << UInt64(number)) != 0 {
      let running = isIdle(number) ? 0 : CPUs[number].pointee.queue.runningPriority
      if running < least {
        best = number
        least = running
      }
    }
    return best
  }

  /// Threads that run or wait to run. Read without the lock: a hint.
  private static func load(_ number: Int) -> Int {
    let cpu = CPUs[number]
    return cpu.pointee.queue.count + (cpu.pointee.running == cpu.pointee.idle ? 0 : 1)
  }

  private static func isIdle(_ number: Int) -> Bool {
    load(number) == 0
  }

  /// Puts a thread that comes from another CPU on the queue of its new one, which its `cpu` names already.
  static func enqueue(_ thread: ThreadPointer, on number: Int) {
    let cpu = CPUs[number]
    cpu.pointee.queueLock.acquire()
    check(Int(thread.pointee.cpu) == number, "a thread goes on a queue that it does not name")
    thread.pointee.migrations &+= 1
    cpu.pointee.migrationsIn &+= 1
    cpu.pointee.queue.enqueueMigrated(thread)
    requestReschedule(cpu, for: thread)
    cpu.pointee.queueLock.release()
  }

  static func enqueueNew(_ thread: ThreadPointer, on number: Int) {
    let home = CPUs[Int(thread.pointee.cpu)]
    if home.pointee.number != number {
      home.pointee.queueLock.acquire()
      thread.pointee.cpu = Int32(number)
      home.pointee.queueLock.release()
    }
    let cpu = CPUs[number]
    cpu.pointee.queueLock.acquire()
    thread.pointee.state = .runnable
    cpu.pointee.queue.enqueueNew(thread)
    requestReschedule(cpu, for: thread)
    cpu.pointee.queueLock.release()
  }

  static func enqueueWoken(_ thread: ThreadPointer, on number: Int) {
    let cpu = CPUs[number]
    cpu.pointee.queueLock.acquire()
    thread.pointee.migrations &+= 1
    cpu.pointee.migrationsIn &+= 1
    cpu.pointee.queue.enqueueWoken(thread, now: readTimeStampCounter())
    requestReschedule(cpu, for: thread)
    cpu.pointee.queueLock.release()
  }

  /// Has a CPU look at its queue again, where what was just put there should not wait. The queue's lock is
  /// held.
  static func requestReschedule(_ cpu: CPUPointer, for thread: ThreadPointer) {
    let isIdle = cpu.pointee.running == cpu.pointee.idle
    let isWoken = thread.pointee.scheduling.queueState == .woken && cpu.pointee.queue.runningPriority == 0
    guard isIdle || isWoken || cpu.pointee.queue.isRunningOutranked else { return }
    requestReschedule(cpu)
  }

  /// The same after a change of priorities.
  static func rescheduleIfOutranked(_ cpu: CPUPointer) {
    if cpu.pointee.queue.isRunningOutranked { requestReschedule(cpu) }
  }

  private static func requestReschedule(_ cpu: CPUPointer) {
    if cpu.pointee.number == Int(cpuNumber()) {
      requestRescheduleHere()
    } else {
      InterprocessorInterrupts.send(.reschedule, to: cpu)
    }
  }

  /// Has this CPU reschedule as soon as it may: at the end of the interrupt, when the last lock is released,
  /// or on return to user mode.
  @inline(__always)
  static func requestRescheduleHere() {
    cpuSetNeedsReschedule(1)
    Scheduler.current.pointee.head.needsReschedule = 1
  }

  /// Takes a thread from the busiest CPU for this one, which has nothing to do.
  ///
  /// - Returns: whether there is something to run now.
  static func pull() -> Bool {
    let here = CPURecord.current
    if here.pointee.isOffline { return false }
    var busiest = -1
    var most = 0
    for number in 0..<CPUs.count where number != here.pointee.number {
      let waiting = CPUs[number].pointee.queue.count
      if waiting > most {
        busiest = number
        most = waiting
      }
    }
    if busiest < 0 { return false }
    return take(from: CPUs[busiest])
  }

  /// Takes a thread whose real-time priority is higher than what runs here; else evens out the load between this CPU
  /// and the busiest, by one thread, where they differ by two or more.
  static func balance() {
    let here = CPURecord.current
    if here.pointee.isOffline { return }
    for number in 0..<CPUs.count
    where CPUs[number].pointee.queue.waitingPriority > here.pointee.queue.runningPriority {
      if number != here.pointee.number, take(from: CPUs[number]) { return }
    }
    var busiest = -1
    var most = load(here.pointee.number) + 1
    for number in 0..<CPUs.count where number != here.pointee.number && load(number) > most {
      busiest = number
      most = load(number)
    }
    if busiest >= 0 { _ = take(from: CPUs[busiest]) }
  }

  /// Takes a queue's lock unless it stays taken for a while.
  ///
  /// Who looks for work has time until the next tick, and must not stand in line before a CPU that has some:
  /// on virtual CPUs, where a waiter may itself have to wait for a processor, the line would not end.
  private static func tryAcquire(_ cpu: CPUPointer) -> Bool {
    for _ in 0..<64 {
      if cpu.pointee.queueLock.tryAcquire() { return true }
      spinHint()
    }
    return false
  }

  private static func take(from other: CPUPointer) -> Bool {
    let number = CPURecord.current.pointee.number
    guard tryAcquire(other) else { return false }
    let candidate = other.pointee.queue.stealCandidate { $0.pointee.affinity & (1 << UInt64(number)) != 0 }
    if let candidate {
      _ = other.pointee.queue.remove(candidate)
      // Until it is on the queue here, a waker finds it runnable and lets it be.
      candidate.pointee.cpu = Int32(number)
    }
    other.pointee.queueLock.release()
    guard let candidate else { return false }
    enqueue(candidate, on: number)
    return true
  }
}
