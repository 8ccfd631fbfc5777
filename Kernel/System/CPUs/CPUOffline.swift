import Core
import Machine

/// Taking CPUs out of use and back while everything runs.
///
/// An offline CPU goes on to serve interrupts and the other CPUs' requests, and wakes those who went to sleep
/// on it, but runs no thread: what it had goes elsewhere, and its registers are nobody's.
public enum CPUOffline {
  /// Why a CPU was not taken out of use or put back. Nothing has changed then.
  public enum Refusal: Error, Sendable {
    case noSuchCPU
    /// The devices' interrupts go there.
    case firstCPU
    case alreadyOffline
    case alreadyOnline

    public var message: StaticString {
      switch self {
      case .noSuchCPU: "there is no CPU with this number"
      case .firstCPU: "CPU 0 takes the devices' interrupts and stays in use"
      case .alreadyOffline: "the CPU is offline already"
      case .alreadyOnline: "the CPU is online already"
      }
    }
  }

  /// Held during a change, so that nobody puts a CPU back into use that is being emptied: one in use is never empty.
  nonisolated(unsafe) private static var storedChanges: Mutex?
  /// Where a change waits for the CPU to be empty. Nobody wakes it before its time: who is to end as well has to wait.
  nonisolated(unsafe) private static var storedPause: WaitQueue?

  static func initialize() {
    storedChanges = Mutex()
    storedPause = WaitQueue()
  }

  /// Moves all threads away from a CPU, and waits until it runs none. In a thread that holds no lock.
  public static func takeOffline(_ number: Int) throws(Refusal) {
    guard number >= 0, number < CPUs.count else { throw .noSuchCPU }
    if number == 0 { throw .firstCPU }
    try storedChanges!.withLock { () throws(Refusal) in
      if CPUs[number].pointee.isOffline { throw .alreadyOffline }
      CPUs.setOnline(number, false)
      empty(CPUs[number])
    }
  }

  private static func empty(_ cpu: CPUPointer) {
    // Whoever chose this CPU for a thread while it was online has put the thread on its queue after this: between the
    // two interrupts are disabled. A thread that came later would run here alone, and so for as long as it likes.
    MemoryBarrier.execute(root: nil)
    while true {
      moveWaitingThreads(from: cpu)
      InterprocessorInterrupts.send(.reschedule, to: cpu)
      if isUnused(cpu) { return }
      let end = readTimeStampCounter() &+ Time.ticks(nanoseconds: 1_000_000)
      _ = storedPause!.wait(until: end, isInterruptible: false) { false }
    }
  }

  /// Whether a CPU has no thread, and nobody's registers. Under its queue's lock: a thread on its way from the queue to
  /// the CPU is in neither place.
  private static func isUnused(_ cpu: CPUPointer) -> Bool {
    Interrupts.withDisabled {
      cpu.pointee.queueLock.acquire()
      defer { cpu.pointee.queueLock.release() }
      return cpu.pointee.running == cpu.pointee.idle && cpu.pointee.queue.count == 0
        && cpu.pointee.area.pointee.fpuOwner == nil
    }
  }

  /// Puts a CPU back into use. In a thread that holds no lock.
  public static func bringOnline(_ number: Int) throws(Refusal) {
    guard number >= 0, number < CPUs.count else { throw .noSuchCPU }
    try storedChanges!.withLock { () throws(Refusal) in
      if !CPUs[number].pointee.isOffline { throw .alreadyOnline }
      CPUs.setOnline(number, true)
    }
  }

  /// Puts the threads that wait on a CPU's queue on others.
  private static func moveWaitingThreads(from cpu: CPUPointer) {
    while true {
      let isMoved = Interrupts.withDisabled {
        cpu.pointee.queueLock.acquire()
        guard let thread = cpu.pointee.queue.stealCandidate(where: { _ in true }) else {
          cpu.pointee.queueLock.release()
          return false
        }
        _ = cpu.pointee.queue.remove(thread)
        let target = Placement.choose(for: thread)
        // Until it is on the queue there, a waker finds it runnable and lets it be.
        thread.pointee.cpu = Int32(target)
        cpu.pointee.queueLock.release()
        Placement.enqueue(thread, on: target)
        return true
      }
      if !isMoved { return }
    }
  }
}
