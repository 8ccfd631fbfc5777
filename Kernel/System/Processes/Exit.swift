import Core
import Machine

/// The end of a thread of a program.
enum Exit {
  /// Ends the current thread, and the process with its last one. No lock is held.
  static func endThread() -> Never {
    leaveProcess()
    Threads.endCurrent()
  }

  /// In a function of its own, so that no reference to the process is left on the stack that ends.
  @inline(never)
  private static func leaveProcess() {
    let thread = Scheduler.current
    Threads.beginEnd()
    guard let process = thread.pointee.process else { return }
    CoreDump.waitForEnd(process, thread)
    TraceStops.ending(
      thread, status: process.isExiting.load() != 0 ? process.exitStatus : thread.pointee.exitStatus)
    Tracing.tracerEnds(process, thread: thread.pointee.identifier)
    releaseMemory(thread)
    releaseVforkParent(process)
    SemaphoreUndoList.leave(thread)
    // First: once the thread is not the process's any more, the last one that is may free the memory, and a
    // thread that is switched in again must not load its page tables.
    ActiveAddressSpace.adopt(nil)
    if process.remove(thread) { process.finish() }
  }

  /// What a thread leaves in memory that others look at, when it ends or begins another program.
  static func releaseMemory(_ thread: ThreadPointer) {
    RobustList.release(thread)
    PriorityFutexes.ownerEnds()
    let address = thread.pointee.clearChildThreadID
    if address != 0 {
      thread.pointee.clearChildThreadID = 0
      if UserMemory.store(UInt32(0), to: address) { Futexes.wakeShared(address) }
    }
  }

  /// The parent of a vfork goes on when its child has its own memory, or none.
  static func releaseVforkParent(_ process: Process) {
    if process.isVforkDone { return }
    process.isVforkDone = true
    process.changed.wake()
  }
}
