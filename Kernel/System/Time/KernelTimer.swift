import Core
import Machine

/// Something that is to happen at a time: a function called from the timer interrupt.
///
/// A record at a fixed address that its owner provides, initialises and keeps until `cancel` has returned or the
/// function has been called. It goes off at the first tick at or after its deadline, up to a millisecond late.
public struct KernelTimer: DeadlineQueued {
  public var deadlineLinks = DeadlineLinks()
  /// Called with interrupts disabled and no lock held, on the CPU on which the timer was started. It may start the
  /// timer anew, wake threads and take `InterruptLock`s, but not sleep or touch user memory.
  let function: Function
  /// The owner's own.
  public var context: UInt64
  /// The CPU on whose queue it is, or was last; changes with the lock of that queue held, and off it.
  fileprivate var cpu: Int32 = -1

  /// Gets the timer's address.
  public typealias Function = @convention(c) (UnsafeMutableRawPointer) -> Void

  public init(context: UInt64 = 0, function: @escaping Function) {
    self.context = context
    self.function = function
  }
}

/// The timers of one CPU.
struct TimerQueue {
  /// Guards the queue and `running`. Interrupts are disabled while it is held; taken inside of any
  /// `InterruptLock` of an owner.
  var lock = LockWord()
  var queue = DeadlineQueue<KernelTimer>()
  /// The timer whose function is called at the moment.
  var running: UnsafeMutablePointer<KernelTimer>?
}

/// Starting and stopping timers. In any context, unless said otherwise.
enum KernelTimers {
  typealias Pointer = UnsafeMutablePointer<KernelTimer>

  /// Starts a timer that is not running, on this CPU.
  ///
  /// - Parameter deadline: in TSC ticks, as `Time.deadline` gives them.
  static func start(_ timer: Pointer, at deadline: UInt64) {
    Interrupts.withDisabled {
      let cpu = CPURecord.current
      // Whoever cancels it meanwhile takes it off the queue that it names, and holds that one's lock.
      let number = timer.pointee.cpu
      if number != Int32(cpu.pointee.number) {
        if number >= 0 { CPUs[Int(number)].pointee.timers.lock.acquire() }
        timer.pointee.cpu = Int32(cpu.pointee.number)
        if number >= 0 { CPUs[Int(number)].pointee.timers.lock.release() }
      }
      cpu.pointee.timers.lock.acquire()
      cpu.pointee.timers.queue.insert(timer, deadline: deadline)
      cpu.pointee.timers.lock.release()
      // An interrupt has come to an idle CPU that goes without ticks.
      Idle.resumeTimer(cpu)
    }
  }

  /// Takes a timer off its queue, and waits where its function is being called on another CPU: afterwards the
  /// function is not called any more. The caller holds no lock that the function takes.
  ///
  /// - Returns: whether it had still to go off.
  @discardableResult
  static func cancel(_ timer: Pointer) -> Bool {
    let wereEnabled = Interrupts.disable()
    defer { Interrupts.restore(wereEnabled) }
    var wasTaken = false
    while true {
      let number = timer.pointee.cpu
      if number < 0 { return false }
      let cpu = CPUs[Int(number)]
      cpu.pointee.timers.lock.acquire()
      let isHere = timer.pointee.cpu == number
      if isHere, cpu.pointee.timers.queue.remove(timer) { wasTaken = true }
      // Also where it was on the queue: it may have been started anew, even from another CPU than the one that still
      // calls its function.
      let isRunning = isRunningElsewhere(timer)
      cpu.pointee.timers.lock.release()
      if isHere, !isRunning { return wasTaken }
      spinHint()
    }
  }

  /// Whether another CPU is calling the timer's function. The lock of the queue that the timer names is held: what was
  /// stored when it was taken off any queue before is seen. A function starts its timer on the CPU that calls it.
  private static func isRunningElsewhere(_ timer: Pointer) -> Bool {
    for number in 0..<CPUs.count where number != Int(cpuNumber()) {
      if CPUs[number].pointee.timers.running == timer { return true }
    }
    return false
  }

  /// Stops a timer if it has not gone off, without waiting: its function may be under way on another CPU. For
  /// callers that hold a lock which the function takes, and checks then whether it is still wanted.
  @discardableResult
  static func tryCancel(_ timer: Pointer) -> Bool {
    Interrupts.withDisabled {
      while true {
        let number = timer.pointee.cpu
        if number < 0 { return false }
        let cpu = CPUs[Int(number)]
        cpu.pointee.timers.lock.acquire()
        let isHere = timer.pointee.cpu == number
        let isTaken = isHere && cpu.pointee.timers.queue.remove(timer)
        cpu.pointee.timers.lock.release()
        if isHere { return isTaken }
      }
    }
  }

  /// Calls the functions of this CPU's timers whose time has come: from the timer interrupt.
  @inline(__always)
  static func runExpired(_ cpu: CPUPointer, _ now: UInt64) {
    // Without the lock: timers are added by this CPU alone, and one that is taken off meanwhile is not missed.
    guard let earliest = cpu.pointee.timers.queue.earliestDeadline, earliest <= now else { return }
    run(cpu, now)
  }

  @inline(never)
  private static func run(_ cpu: CPUPointer, _ now: UInt64) {
    while true {
      cpu.pointee.timers.lock.acquire()
      let timer = cpu.pointee.timers.queue.popExpired(now: now)
      cpu.pointee.timers.running = timer
      cpu.pointee.timers.lock.release()
      guard let timer else { return }
      timer.pointee.function(timer)
    }
  }
}
