import Core
import Machine

/// Every interrupt and exception (`commonEntry`, `ownStackEntry`). Interrupts are disabled.
@c(handleTrap)
func handleTrap(_ frame: UnsafeMutablePointer<TrapFrame>) {
  let vector = frame.pointee.vector
  if vector < 32 {
    if frame.pointee.cs & 3 != 0 {
      UserFaults.handle(frame)
    } else {
      KernelFaults.handle(frame)
    }
    return
  }
  cpuSetInterruptDepth(cpuInterruptDepth() &+ 1)
  switch UInt8(truncatingIfNeeded: vector) {
  case Vector.timer:
    Platform.localAPIC.endOfInterrupt()
    TimerInterrupt.handle(fromUserMode: frame.pointee.cs & 3 != 0)
  case Vector.interprocessor:
    Platform.localAPIC.endOfInterrupt()
    CPURecord.current.pointee.interprocessorInterrupts &+= 1
    InterprocessorInterrupts.serve()
  case Vector.serial:
    Platform.localAPIC.endOfInterrupt()
    CPURecord.current.pointee.serialInterrupts &+= 1
    ConsoleInput.handleInterrupt()
  case Vector.secondSerial:
    Platform.localAPIC.endOfInterrupt()
    CPURecord.current.pointee.serialInterrupts &+= 1
    SecondSerialLine.handleInterrupt()
  case Vector.spurious:
    break
  case Vector.apicError:
    Platform.localAPIC.endOfInterrupt()
  default:
    panic("interrupt with the unexpected vector \(vector)")
  }
  cpuSetInterruptDepth(cpuInterruptDepth() &- 1)
}

/// The tick: time slices, sleepers, the balance between CPUs.
enum TimerInterrupt {
  @inline(__always)
  static func handle(fromUserMode: Bool) {
    let cpu = CPURecord.current
    cpu.pointee.timerInterrupts &+= 1
    let now = readTimeStampCounter()
    cpu.pointee.queueLock.acquire()
    let thread = Scheduler.current
    var isExpired = false
    if thread.pointee.isIdle {
      Idle.countTick(cpu)
      Scheduler.chargeIdle(cpu, thread, now)
    } else {
      isExpired = Scheduler.chargeRunning(cpu, thread, now)
      count(cpu, thread, fromUserMode)
    }
    cpu.pointee.lastTick = now
    let hasSleepers = cpu.pointee.sleepers.earliestDeadline.map { $0 <= now } ?? false
    let isWaitedFor = cpu.pointee.queue.count > 0
    cpu.pointee.queue.noteTime(now)
    let isOutranked = cpu.pointee.queue.isRunningOutranked
    cpu.pointee.queueLock.release()
    if hasSleepers { Sleep.wakeExpired(now) }
    KernelTimers.runExpired(cpu, now)
    if let process = thread.pointee.process, process.hasCPUTimers {
      process.timers?.countTick(thread, fromUserMode: fromUserMode)
    }
    TimerHook.call()
    if isExpired && isWaitedFor || isOutranked || thread.pointee.affinity & (1 << UInt64(cpu.pointee.number)) == 0 {
      Placement.requestRescheduleHere()
    }
    if cpu.pointee.timerInterrupts & 15 == 0, CPUs.count > 1 {
      Placement.balance()
      if isWaitedFor { Idle.callForHelp() }
    }
    if cpu.pointee.timerInterrupts & 1023 == 0 { SystemLoad.update() }
  }
}

extension TimerInterrupt {
  /// Puts the tick down to what it has found, for the thread and for the CPU.
  @inline(__always)
  private static func count(_ cpu: CPUPointer, _ thread: ThreadPointer, _ fromUserMode: Bool) {
    guard fromUserMode else {
      thread.pointee.systemSamples &+= 1
      cpu.pointee.systemSamples &+= 1
      return
    }
    thread.pointee.userSamples &+= 1
    if thread.pointee.scheduling.nice > 0 {
      cpu.pointee.niceSamples &+= 1
    } else {
      cpu.pointee.userSamples &+= 1
    }
  }
}

/// What is to be done before the current thread's next user-mode instruction (`returnToUserMode`).
///
/// Called with interrupts disabled and some work to do; returns with interrupts disabled and none left.
@c(handleReturnWork)
func handleReturnWork(_ frame: UnsafeMutablePointer<TrapFrame>) {
  let thread = Scheduler.current
  while true {
    if thread.pointee.head.needsReschedule != 0 {
      Scheduler.rescheduleOnReturn()
      continue
    }
    if thread.pointee.head.needsSequenceCheck != 0 {
      thread.pointee.head.needsSequenceCheck = 0
      enableInterrupts()
      RestartableSequence.resume(thread, frame)
      disableInterrupts()
      continue
    }
    if thread.pointee.head.hasSignal != 0 {
      enableInterrupts()
      // A handler must find no section that goes on behind it.
      RestartableSequence.resume(thread, frame)
      SignalDelivery.run(frame)
      disableInterrupts()
      continue
    }
    // Last: after it nothing may switch. The loop's other work could.
    if thread.pointee.head.needsFPULoad != 0 {
      KernelFPU.returnToUserMode(thread)
      continue
    }
    thread.pointee.head.needsFullFrame = 0
    return
  }
}
