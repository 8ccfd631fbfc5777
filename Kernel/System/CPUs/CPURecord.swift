import Core
import Machine

public typealias CPUPointer = UnsafeMutablePointer<CPURecord>

/// What the kernel keeps for each CPU, beyond the area that assembly knows.
///
/// `CPURecord.current` is right only as long as nothing can reschedule: read it afresh afterwards.
public struct CPURecord: ~Copyable {
  public let number: Int
  public let apicID: UInt32
  let area: UnsafeMutablePointer<CPUArea>

  // MARK: The scheduler's, under `queueLock` (interrupts disabled)

  var queueLock = LockWord()
  var queue: RunQueue<Thread>
  /// The thread that halts when there is no other.
  var idle: ThreadPointer?
  /// The thread that runs; also read by other CPUs, which may see it late.
  var running: ThreadPointer?
  /// Threads that wait for a time, by their deadline in TSC ticks.
  var sleepers = DeadlineQueue<Thread>()

  var timers = TimerQueue()

  // MARK: Only this CPU, interrupts disabled

  /// The thread that the last switch came from, until `finishSwitch` has seen to it.
  var previous: ThreadPointer?
  /// The last switch came from a thread that goes on elsewhere.
  var previousMigratesTo: Int32 = -1
  /// The root of the user page tables in CR3, or the kernel's.
  var activeRoot: PhysicalAddress = 0
  /// The local descriptor table that is loaded, which is that address space's.
  var localTable = LocalDescriptorTable.none
  /// The time at which the running thread was switched in or last charged.
  var lastTick: UInt64 = 0

  /// Timer interrupts in a row that found this CPU idle.
  var idleTicks = 0
  /// Whether the timer is off, since this CPU is idle and nobody sleeps on it.
  var isTimerStopped = false

  /// Whether the CPU is to run no thread (`CPUOffline`). Written by others.
  var isOffline = false

  // MARK: Counters, written by this CPU, read by any

  public var switches: UInt64 = 0
  public var timerInterrupts: UInt64 = 0
  public var preemptions: UInt64 = 0
  public var migrationsIn: UInt64 = 0
  var interprocessorInterrupts: UInt64 = 0
  var serialInterrupts: UInt64 = 0
  /// What other CPUs have asked of this one.
  var rescheduleRequests: UInt64 = 0
  var flushRequests: UInt64 = 0
  var callRequests: UInt64 = 0
  /// Timer interrupts that found a program, one with a nice level above 0, and the kernel.
  var userSamples: UInt64 = 0
  var niceSamples: UInt64 = 0
  var systemSamples: UInt64 = 0

  // MARK: Inter-processor requests

  /// Requests that this CPU has still to serve, as bits of `InterprocessorRequest`.
  var requests = AtomicWord()

  init(number: Int, apicID: UInt32, area: UnsafeMutablePointer<CPUArea>, sliceTicks: Int64) {
    self.number = number
    self.apicID = apicID
    self.area = area
    queue = RunQueue(sliceTicks: sliceTicks)
  }

  /// The record of the CPU that executes this.
  @inline(__always)
  public static var current: CPUPointer {
    // SAFETY: the area's record is set before interrupts are enabled on a CPU and never changes.
    cpuRecord().unsafelyUnwrapped.assumingMemoryBound(to: CPURecord.self)
  }

  /// The FPU's counters on this CPU.
  public var fpuCounters: FPUCounters {
    var counters = FPUCounters()
    withUnsafeBytes(of: &area.pointee.fpuCounters) { values in
      for event in FPUEvent.allCases {
        counters[event] = values.load(fromByteOffset: event.rawValue * 8, as: UInt64.self)
      }
    }
    return counters
  }
}

/// All CPUs that have come up.
public enum CPUs {
  public static var limit: Int { 64 }

  nonisolated(unsafe) private static var records: UnsafeMutablePointer<CPUPointer?>?
  /// The number of CPUs that take part in scheduling. Grows only while the machine comes up.
  nonisolated(unsafe) public private(set) static var count = 0

  /// The record of a CPU that is up.
  @inline(__always)
  public static subscript(number: Int) -> CPUPointer {
    records.unsafelyUnwrapped[number].unsafelyUnwrapped
  }

  static func add(_ cpu: CPUPointer) {
    if records == nil {
      records = KernelHeap.allocateArray(of: CPUPointer?.self, count: limit, repeating: nil)
    }
    records![cpu.pointee.number] = cpu
    count = cpu.pointee.number + 1
    onlineMask |= 1 << UInt64(cpu.pointee.number)
  }

  /// The CPUs that run threads, a bit each: all but those that `CPUOffline` has taken out.
  nonisolated(unsafe) private(set) static var onlineMask: UInt64 = 0

  /// For `CPUOffline`, under its lock.
  static func setOnline(_ number: Int, _ isOnline: Bool) {
    records![number]!.pointee.isOffline = !isOnline
    if isOnline { onlineMask |= 1 << UInt64(number) } else { onlineMask &= ~(1 << UInt64(number)) }
  }

  /// The affinity mask of all CPUs.
  public static var allMask: UInt64 { count == 64 ? .max : (1 << UInt64(count)) - 1 }

  /// Stops every other CPU by a non-maskable interrupt: in a panic.
  static func stopOthers() {
    guard count > 1 else { return }
    Platform.stopsOnNonMaskable.store(1)
    for number in 0..<count where number != Int(cpuNumber()) {
      Platform.localAPIC.sendNonMaskable(to: CPUs[number].pointee.apicID)
    }
  }
}
