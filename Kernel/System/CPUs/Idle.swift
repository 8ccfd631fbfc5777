import Core
import Machine

/// What a CPU does when no thread wants it: looks for a thread to take over, and halts.
///
/// After some ticks in vain the timer is switched off, so that an idle CPU costs its host nothing. A busy CPU
/// with threads to give then calls it (`callForHelp`).
enum Idle {
  /// The ticks for which a CPU stays idle before its timer is switched off.
  private static var ticksBeforeStop: Int { 8 }

  static func run() -> Never {
    enableInterrupts()
    while true {
      Threads.reapEnded()
      disableInterrupts()
      giveUpRegistersIfOffline()
      if cpuNeedsReschedule() == 0, CPUs.count > 1, Placement.pull() { Placement.requestRescheduleHere() }
      if cpuNeedsReschedule() != 0 {
        enableInterrupts()
        Scheduler.preempt()
      } else {
        stopTimerIfUseless()
        enableInterruptsAndHalt()
      }
    }
  }

  /// This CPU's timer has interrupted its idle thread.
  @inline(__always)
  static func countTick(_ cpu: CPUPointer) { cpu.pointee.idleTicks &+= 1 }

  /// An offline CPU's registers are nobody's, from the moment on at which its last thread has left it.
  private static func giveUpRegistersIfOffline() {
    if CPURecord.current.pointee.isOffline, cpuFPUOwner() != nil { KernelFPU.policy.giveUpOwner() }
  }

  private static func stopTimerIfUseless() {
    let cpu = CPURecord.current
    if cpu.pointee.isTimerStopped || cpu.pointee.idleTicks < ticksBeforeStop { return }
    // Sleepers are added by threads that run here: none can come while this CPU is idle.
    if cpu.pointee.sleepers.earliestDeadline != nil { return }
    // So are timers, and by the functions of those that go off here.
    if cpu.pointee.timers.queue.earliestDeadline != nil { return }
    cpu.pointee.isTimerStopped = true
    Platform.localAPIC.stopTimer()
  }

  /// This CPU is about to switch from its idle thread to another. Interrupts are disabled.
  @inline(__always)
  static func leave(_ cpu: CPUPointer) {
    cpu.pointee.idleTicks = 0
    resumeTimer(cpu)
  }

  /// This CPU needs its tick again. Interrupts are disabled.
  @inline(__always)
  static func resumeTimer(_ cpu: CPUPointer) {
    if cpu.pointee.isTimerStopped {
      cpu.pointee.isTimerStopped = false
      Time.startTimerOnThisCPU()
    }
  }

  /// Wakes a CPU whose timer is off, for a CPU that has threads waiting. Interrupts are disabled.
  static func callForHelp() {
    for number in 0..<CPUs.count where CPUs[number].pointee.isTimerStopped && !CPUs[number].pointee.isOffline {
      InterprocessorInterrupts.send(.reschedule, to: CPUs[number])
      return
    }
  }
}
