import Core
import Machine

public typealias ThreadPointer = UnsafeMutablePointer<Thread>

/// A thread, of the kernel or of a program.
///
/// The record lies in the kernel's heap, 64-byte aligned, with its FPU state area behind it. It is reached by
/// pointer alone: its address is its identity, for the run queues, the current thread of a CPU and the owner
/// of a CPU's registers. `Threads.create` makes it, `Threads.reapEnded` frees it.
public struct Thread: Schedulable, DeadlineQueued {
  /// Shared with assembly: must come first.
  public internal(set) var head = ThreadHead()

  // MARK: The FPU, with interrupts disabled on the CPU that runs the thread

  public var fpu: FPUThreadState

  // MARK: Constant

  /// Linux's thread identifier.
  public internal(set) var identifier: Int32
  /// The top of the kernel stack.
  let stackTop: UInt64
  /// The program that it belongs to; nil for a kernel thread.
  public let process: Process?

  /// The process's identifier; 0 for a kernel thread.
  public let processIdentifier: Int32

  // MARK: The scheduler's, under the lock of the run queue of `cpu`

  public var scheduling = SchedulingEntity()
  public var deadlineLinks = DeadlineLinks()
  /// The CPU whose run queue the thread is on, was last on or is on its way to. Changes only with the lock of
  /// the queue that it names held, so that with that lock the thread is on this queue or on none.
  public internal(set) var cpu: Int32 = 0
  public internal(set) var state = ThreadState.new
  /// The CPUs that may run it, a bit each.
  public internal(set) var affinity: UInt64 = .max
  var isIdle = false
  /// The CPU whose `sleepers` it is on, or one of `Sleep`'s values for none.
  var sleepsOnCPU: Int32 = Sleep.onNoCPU

  // MARK: Switched with the thread

  /// The root of the page tables of its address space; 0 for kernel threads, which use what is loaded.
  var pageTableRoot: PhysicalAddress = 0
  /// The local descriptor table of that address space, which has this word; nil for kernel threads.
  var localTable: UnsafeMutablePointer<LocalDescriptorTable>?
  /// DS, ES, FS and GS, 16 bits each; mostly 0. These three are up to date while the thread is switched out (`Segments`).
  var segmentSelectors: UInt64 = 0
  /// The base of FS, which programs use for thread-local storage.
  var fsBase: UInt64 = 0
  /// The base of GS as the program sees it.
  var gsBase: UInt64 = 0
  /// Whether any of `ownSegments` is there; both change with interrupts disabled, or while the thread is frozen.
  var hasOwnSegments = false
  /// What set_thread_area(2) has made.
  var ownSegments = ThreadStorageSegments()
  /// The breakpoints that a tracer has set: by the tracer while the thread is frozen, or by the thread itself.
  var debugRegisters = DebugRegisters()

  // MARK: Waiting, under the lock of the queue that it waits on

  var waitNext: ThreadPointer?
  var waitPrevious: ThreadPointer?
  var isOnWaitQueue = false

  // MARK: The thread's own

  /// Where the kernel writes 0 and wakes a futex when the thread ends (set_tid_address); 0 for nowhere.
  var clearChildThreadID: UInt64 = 0
  /// The head of the list of robust futexes that it may hold (set_robust_list); 0 for none.
  var robustList: UInt64 = 0
  var restartableSequence = RestartableSequence()
  /// Which system calls the program has itself; looked at where `head.tracedCalls` says so.
  var ownCalls = OwnSystemCalls()
  /// The name that PR_SET_NAME gave it, or its program's: 15 bytes at most, then zeros.
  var name = InlineArray<16, UInt8>(repeating: 0)
  /// Policy and priority as sched_setscheduler(2) stored them.
  var schedulingPolicy = SchedulingPolicy()
  /// The highest real-time priority of those that wait for a lock of this thread's (`PriorityFutexes`); 0 for none.
  var lentPriority: UInt8 = 0
  /// ioprio_set(2)'s value, 0 where none was set. Stored only.
  var inputOutputPriority: UInt16 = 0
  /// How late a timer may be, in nanoseconds (PR_SET_TIMERSLACK). Stored only: timers go by the tick.
  var timerSlack: UInt64 = 50_000
  var signals = ThreadSignals()
  /// What it and those that share it have done to semaphores with SEM_UNDO; nil where there has been no occasion.
  var semaphoreUndos: SemaphoreUndoList?
  /// What its tracer has to do with it; nil where nobody traces it. Under its process's signal lock.
  var tracee: Tracee?
  /// What exit(2) was given, as wait4 reports it.
  var exitStatus: Int32 = 0
  /// Whether the thread is to end while its process goes on (execve of another thread).
  var isToEnd = false
  /// What it waits for in a futex queue, under the queue's lock.
  var futexWaiter = FutexWaiter()
  /// 1 from when it hands over the locks that it leaves behind (`PriorityFutexes.ownerEnds`): nobody may begin to wait
  /// for it from then on.
  var hasLeftLocks = AtomicWord()
  /// The next thread that has ended and waits to be freed.
  var nextEnded: ThreadPointer?
  /// The list of all threads.
  var listNext: ThreadPointer?
  var listPrevious: ThreadPointer?
  /// The next thread of the same process, under the process's lock.
  var nextInProcess: ThreadPointer?

  // MARK: Counters

  /// Switches away from the thread that it did not ask for.
  public internal(set) var preemptions: UInt64 = 0
  /// Switches to the thread on another CPU than before.
  public internal(set) var migrations: UInt64 = 0
  /// All switches to the thread.
  public internal(set) var switches: UInt64 = 0
  /// TSC ticks on a CPU.
  public internal(set) var runTicks: UInt64 = 0
  /// What of `runTicks` its process's CPU-time timers have counted, under their lock.
  var countedTicks: UInt64 = 0
  /// Timer interrupts that found it in user mode, and in the kernel.
  var userSamples: UInt64 = 0
  var systemSamples: UInt64 = 0
  /// Page faults that it has had resolved.
  var pageFaults: UInt64 = 0

  init(
    identifier: Int32, stackTop: UInt64, process: Process?, nice: Int, protectionKeyRights: UInt32
  ) {
    self.identifier = identifier
    self.stackTop = stackTop
    self.process = process
    processIdentifier = process?.identifier ?? 0
    fpu = FPUThreadState(isKernelThread: process == nil, protectionKeyRights: protectionKeyRights)
    scheduling = SchedulingEntity(nice: nice)
  }
}

/// What a thread is doing, as far as the scheduler is concerned.
public enum ThreadState: UInt8, Sendable {
  /// On a CPU or on a run queue.
  case runnable
  /// Waiting to be woken.
  case blocked
  /// Stopped, and somebody works on its registers or reads them: nothing wakes it meanwhile.
  case frozen
  /// Never to run again.
  case ended
  /// Not started yet. Nobody may wake it: it is a thread of its process already, which may be told to end,
  /// while its creator still prepares it.
  case new
}

extension Thread {
  /// Where the FPU state area begins, behind the record.
  static var areaOffset: Int { (MemoryLayout<Thread>.size + 63) & ~63 }
}

extension UnsafeMutablePointer where Pointee == Thread {
  /// The thread's FPU state area, 64-byte aligned.
  @inline(__always)
  public var fpuArea: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self) + Thread.areaOffset }

  /// The frame that the last entry from user mode left at the top of the thread's stack.
  @inline(__always)
  public var userFrame: UnsafeMutablePointer<TrapFrame> {
    // SAFETY: every entry from user mode pushes a whole frame from the top of the stack.
    UnsafeMutableRawPointer(bitPattern: UInt(pointee.stackTop) &- UInt(MemoryLayout<TrapFrame>.size))
      .unsafelyUnwrapped.assumingMemoryBound(to: TrapFrame.self)
  }
}
