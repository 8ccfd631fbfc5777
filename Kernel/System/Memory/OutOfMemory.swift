import Core
import Machine

/// What happens when a program needs a page and there is none: the program that has most is ended.
///
/// The kernel itself lives on the reserve (`Frames.reserve`) meanwhile. Calls that ask for memory answer
/// ENOMEM instead; this is for accesses to memory that the program was promised.
enum OutOfMemory {
  /// The process that is being ended, as its identifier, until its memory has come back; 0 for none.
  nonisolated(unsafe) private static var victim = AtomicWord()
  /// When waiting for the victim ends, in TSC ticks.
  nonisolated(unsafe) private static var deadline: UInt64 = 0

  /// Waits until there is memory again, and ends a program for it where nobody else does already.
  ///
  /// Called in a program's thread, with interrupts enabled and no lock held.
  ///
  /// - Returns: false where the current program is the one, or is to end anyhow.
  static func makeRoom() -> Bool {
    // Memory that nobody uses comes first.
    Threads.reapEnded()
    KernelStacks.trim()
    KernelHeap.trim()
    if Frames.freeCount > Frames.reserve + 64 { return true }
    let now = readTimeStampCounter()
    let present = victim.load()
    if present == 0 || now >= deadline {
      if victim.replace(present, with: .max) {
        deadline = now &+ Time.ticks(nanoseconds: 2_000_000_000)
        let chosen = Processes.findLargest()
        victim.store(UInt32(bitPattern: chosen?.identifier ?? 0))
        if let chosen {
          log("out of memory: \(chosen.label), the largest program, is ended")
          chosen.kill(.kill)
        }
      }
    }
    if Scheduler.current.isBeingKilled { return false }
    // With a signal pending the sleep is none.
    Scheduler.yield()
    Sleep.milliseconds(1)
    return !Scheduler.current.isBeingKilled
  }

  /// A process has given its memory back.
  static func ended(_ process: Process) {
    _ = victim.replace(UInt32(bitPattern: process.identifier), with: 0)
  }
}
