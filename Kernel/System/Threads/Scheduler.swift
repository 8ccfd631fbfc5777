import Core
import Machine

/// Which thread runs: the switch itself, and what leads to it.
///
/// Each CPU has a run queue under a lock of its own. The lock is held across the switch: the thread that goes
/// on releases it (`finishSwitch`), so that nobody can move a thread whose registers are not saved yet. The
/// cost of a switch does not depend on the number of threads.
public enum Scheduler {
  /// The thread that executes this. Stable: a thread stays itself wherever it runs.
  @inline(__always)
  public static var current: ThreadPointer {
    cpuCurrentThread().unsafelyUnwrapped.assumingMemoryBound(to: Thread.self)
  }

  /// Why the current thread gives up its CPU.
  private enum Reason {
    case yielded, preempted, blocked
  }

  /// Lets another thread run, if there is one; the current thread comes back in its turn.
  public static func yield() {
    Interrupts.withDisabled { reschedule(.yielded) }
  }

  /// Switches away from a thread whose state is `blocked` or `ended`. Returns when it has been woken.
  static func block() {
    check(cpuPreemptionDisabled() == 0, "a thread cannot sleep while it holds a lock")
    let wereEnabled = Interrupts.disable()
    reschedule(.blocked)
    Interrupts.restore(wereEnabled)
  }

  /// Lets a thread with a better claim run: where preemption becomes possible again.
  static func preempt() {
    let wereEnabled = Interrupts.disable()
    if cpuNeedsReschedule() != 0 { reschedule(.preempted) }
    Interrupts.restore(wereEnabled)
  }

  /// The way back to user mode found that another thread is to run. Interrupts are disabled.
  static func rescheduleOnReturn() {
    reschedule(.preempted)
  }

  /// Changes the CPUs that may run a thread; at least one that is up. It moves at once where it must.
  public static func setAffinity(of thread: ThreadPointer, _ mask: UInt64) {
    Interrupts.withDisabled {
      while true {
        let cpu = CPUs[Int(thread.pointee.cpu)]
        cpu.pointee.queueLock.acquire()
        if Int(thread.pointee.cpu) != cpu.pointee.number {
          cpu.pointee.queueLock.release()
          continue
        }
        thread.pointee.affinity = mask
        if mask & (1 << UInt64(cpu.pointee.number)) != 0 {
          cpu.pointee.queueLock.release()
          return
        }
        if cpu.pointee.running == thread {
          // It moves when it is next switched away from: soon.
          cpu.pointee.queueLock.release()
          if cpu.pointee.number == Int(cpuNumber()) {
            Placement.requestRescheduleHere()
          } else {
            InterprocessorInterrupts.send(.reschedule, to: cpu)
          }
          return
        }
        RaceWidening.point()
        let isQueued = cpu.pointee.queue.remove(thread)
        let target = Placement.choose(for: thread)
        if isQueued { thread.pointee.cpu = Int32(target) }
        cpu.pointee.queueLock.release()
        if isQueued { Placement.enqueue(thread, on: target) }
        return
      }
    }
  }

  /// Has a thread's claim to its CPU follow its policy, and what it has inherited (`PriorityFutexes`).
  static func updateClaim(of thread: ThreadPointer) {
    withQueue(of: thread) { cpu in
      cpu.pointee.queue.setClaim(thread.claim, of: thread, isRunning: cpu.pointee.running == thread)
      Placement.rescheduleIfOutranked(cpu)
    }
  }

  /// Has a thread that runs on another CPU enter the kernel, so that it sees its `hasSignal`.
  static func interruptIfRunning(_ thread: ThreadPointer) {
    Interrupts.withDisabled {
      let cpu = CPUs[Int(thread.pointee.cpu)]
      if cpu.pointee.running == thread, cpu.pointee.number != Int(cpuNumber()) {
        InterprocessorInterrupts.send(.reschedule, to: cpu)
      }
    }
  }

  /// Whether a thread runs on some CPU: a hint, read without a lock.
  static func isRunning(_ thread: ThreadPointer) -> Bool {
    CPUs[Int(thread.pointee.cpu)].pointee.running == thread
  }

  /// The heart of the scheduler. Interrupts are disabled, and still are on return.
  @inline(__always)
  private static func reschedule(_ reason: Reason) {
    check(!Interrupts.areEnabled, "reschedule needs interrupts disabled")
    check(cpuPreemptionDisabled() == 0, "reschedule while a lock is held")
    let cpu = CPURecord.current
    cpu.pointee.queueLock.acquire()
    cpuSetNeedsReschedule(0)
    let thread = current
    thread.pointee.head.needsReschedule = 0
    let now = readTimeStampCounter()
    if thread.pointee.isIdle {
      chargeIdle(cpu, thread, now)
    } else {
      let isExpired = chargeRunning(cpu, thread, now)
      if thread.pointee.state == .runnable {
        if cpu.pointee.isOffline || thread.pointee.affinity & (1 << UInt64(cpu.pointee.number)) == 0,
          Placement.allowedCPUs(thread) & (1 << UInt64(cpu.pointee.number)) == 0
        {
          cpu.pointee.previousMigratesTo = Int32(Placement.choose(for: thread))
        } else if reason == .yielded {
          cpu.pointee.queue.requeueYielded(thread)
        } else if isExpired {
          cpu.pointee.queue.requeueExpired(thread)
        } else {
          cpu.pointee.queue.requeuePreempted(thread)
        }
        if reason == .preempted {
          thread.pointee.preemptions &+= 1
          if thread.pointee.restartableSequence.address != 0 { thread.pointee.head.needsSequenceCheck = 1 }
        }
      }
    }
    cpu.pointee.lastTick = now
    let picked = cpu.pointee.queue.pickNext()
    check(picked != nil || cpu.pointee.queue.count == 0, "the run queue counts threads that it does not have")
    let next = picked ?? cpu.pointee.idle.unsafelyUnwrapped
    if next == thread {
      cpu.pointee.queueLock.release()
      return
    }
    if reason == .preempted { cpu.pointee.preemptions &+= 1 }
    if thread.pointee.isIdle { Idle.leave(cpu) }
    switchTo(next, from: thread, on: cpu)
    finishSwitch()
  }

  /// Puts the time since the last charge on the running thread's account. The queue's lock is held.
  ///
  /// - Returns: whether its slice is used up.
  @inline(__always)
  static func chargeRunning(_ cpu: CPUPointer, _ thread: ThreadPointer, _ now: UInt64) -> Bool {
    let ticks = now &- cpu.pointee.lastTick
    thread.pointee.runTicks &+= ticks
    return cpu.pointee.queue.charge(thread, ticks: Int64(truncatingIfNeeded: ticks), now: now)
  }

  /// The same for the idle thread, which has no slice: how long the CPU had nothing to do.
  @inline(__always)
  static func chargeIdle(_ cpu: CPUPointer, _ thread: ThreadPointer, _ now: UInt64) {
    thread.pointee.runTicks &+= now &- cpu.pointee.lastTick
  }

  /// Switches everything that belongs to a thread. The queue's lock is held and interrupts are disabled;
  /// returns in another turn of `thread`, perhaps on another CPU.
  ///
  /// Transparent: as large as `reschedule` is without it, `@inline(__always)` leaves a call, which costs 20 instructions.
  @_transparent
  private static func switchTo(_ next: ThreadPointer, from thread: ThreadPointer, on cpu: CPUPointer) {
    KernelFPU.switchOut(thread)
    if thread.pointee.head.hasBreakpoints | next.pointee.head.hasBreakpoints != 0 {
      HardwareBreakpoints.switchOver(to: next)
    }

    cpuSetCurrentThread(next)
    cpuSetKernelStackTop(next.pointee.stackTop)
    cpu.pointee.area.pointee.taskState.privilegeStacks.0 = next.pointee.stackTop
    cpu.pointee.running = next
    cpu.pointee.previous = thread
    cpu.pointee.switches &+= 1
    next.pointee.switches &+= 1
    if next.pointee.pageTableRoot != 0 {
      if next.pointee.pageTableRoot != cpu.pointee.activeRoot { ActiveAddressSpace.load(next, on: cpu) }
      if next.pointee.restartableSequence.address != 0,
        next.pointee.restartableSequence.cpu != Int32(cpu.pointee.number)
      {
        next.pointee.head.needsSequenceCheck = 1
      }
    }
    // With the next thread's local descriptor table loaded.
    Segments.switchOver(from: thread, to: next)

    KernelFPU.switchIn(next)
    switchStacks(&thread.pointee.head.stackPointer, next.pointee.head.stackPointer)
  }

  /// What the thread that goes on does for the one that was left. Interrupts are disabled.
  ///
  /// Only now is the other thread's stack pointer saved, and may another CPU take it.
  @inline(__always)
  static func finishSwitch() {
    let cpu = CPURecord.current
    let previous = cpu.pointee.previous.unsafelyUnwrapped
    let target = cpu.pointee.previousMigratesTo
    cpu.pointee.previousMigratesTo = -1
    // Read under the lock: from its release on a thread that goes on may do so elsewhere, end there, and be
    // freed.
    let hasEnded = previous.pointee.state == .ended
    // Before the release too: whoever holds the lock of the queue that a thread names may take it off there.
    if target >= 0 { previous.pointee.cpu = target }
    cpu.pointee.queueLock.release()
    if hasEnded {
      Threads.ended(previous)
    } else if target >= 0 {
      Placement.enqueue(previous, on: Int(target))
    }
  }

  /// Keeps a blocked thread blocked, so that its registers, which lie in its frame and its FPU area, can be read and
  /// changed. In any context.
  ///
  /// - Returns: false where it is not blocked, or still on its way off its CPU.
  static func freeze(_ thread: ThreadPointer) -> Bool {
    withQueue(of: thread) { cpu in
      guard thread.pointee.state == .blocked, cpu.pointee.running != thread else { return false }
      thread.pointee.state = .frozen
      return true
    }
  }

  /// Ends what `freeze` began. The thread has missed what should have woken it: the caller sees to that.
  static func thaw(_ thread: ThreadPointer) {
    withQueue(of: thread) { _ in
      if thread.pointee.state == .frozen { thread.pointee.state = .blocked }
    }
  }

  /// The same for a thread that waits on a queue: whatever it waits for, it looks at it again.
  static func thawToSleep(_ thread: ThreadPointer) {
    thaw(thread)
    wake(thread)
  }

  /// Calls `body` with the CPU on whose queue a thread is or was last, its lock held.
  static func withQueue<Result>(of thread: ThreadPointer, _ body: (CPUPointer) -> Result) -> Result {
    let wereEnabled = Interrupts.disable()
    defer { Interrupts.restore(wereEnabled) }
    while true {
      let cpu = CPUs[Int(thread.pointee.cpu)]
      cpu.pointee.queueLock.acquire()
      defer { cpu.pointee.queueLock.release() }
      if Int(thread.pointee.cpu) == cpu.pointee.number { return body(cpu) }
    }
  }

  /// Makes a blocked thread runnable; nothing where it is runnable already. In any context.
  public static func wake(_ thread: ThreadPointer) {
    let wereEnabled = Interrupts.disable()
    while true {
      let cpu = CPUs[Int(thread.pointee.cpu)]
      cpu.pointee.queueLock.acquire()
      if Int(thread.pointee.cpu) != cpu.pointee.number {
        // It moved to another queue in between.
        cpu.pointee.queueLock.release()
        continue
      }
      guard thread.pointee.state == .blocked else {
        cpu.pointee.queueLock.release()
        break
      }
      thread.pointee.state = .runnable
      if cpu.pointee.running == thread {
        // It has not been switched out yet: it will find itself runnable.
        cpu.pointee.queueLock.release()
        break
      }
      let target = Placement.chooseForWoken(thread)
      if target == cpu.pointee.number {
        cpu.pointee.queue.enqueueWoken(thread, now: readTimeStampCounter())
        Placement.requestReschedule(cpu, for: thread)
        cpu.pointee.queueLock.release()
      } else {
        thread.pointee.cpu = Int32(target)
        cpu.pointee.queueLock.release()
        Placement.enqueueWoken(thread, on: target)
      }
      break
    }
    Interrupts.restore(wereEnabled)
  }
}

/// The first thing that a new thread does (`threadStart`). Interrupts are disabled.
@c(finishSwitch)
func finishSwitchOfNewThread() {
  Scheduler.finishSwitch()
}

/// Where a timer or rescheduling interrupt that broke into kernel code ends (`commonEntry`): this code holds
/// no lock and had interrupts enabled.
@c(preemptKernel)
func preemptKernel() {
  Scheduler.preempt()
}
