import Core
import Machine

/// Making and freeing threads.
public enum Threads {
  /// Threads whose record exists.
  nonisolated(unsafe) private static var liveCount = AtomicWord()
  /// Those of them that are about to end, or have and are not freed yet.
  nonisolated(unsafe) private static var endingCount = AtomicWord()

  /// Guards the list of all threads.
  nonisolated(unsafe) private static var listLock = InterruptLock()
  nonisolated(unsafe) private static var firstInList: ThreadPointer? {
    didSet { DebuggerSupport.show(firstThread: firstInList) }
  }

  nonisolated(unsafe) private static var endedLock = InterruptLock()
  nonisolated(unsafe) private static var firstEnded: ThreadPointer?

  public static var count: Int { Int(liveCount.load()) }

  /// How many threads there may be before programs get no more: their stacks take an eighth of memory at
  /// most.
  static var limit: Int { max(Frames.totalCount / 32, 64) }

  /// Whether a program may have another thread. One that ends counts no longer, even while it still runs: whoever
  /// has waited for a process can make another one.
  static var hasRoom: Bool { count - Int(endingCount.load()) < limit }

  /// The process of a thread with this identifier; nil where there is none. The thread may have ended since:
  /// look again under the process's lock.
  static func process(ofThread identifier: Int32) -> Process? {
    withListed(identifier) { $0.pointee.process }
  }

  /// Calls `body` with the thread of a program that has this identifier, with the lock of the list held and interrupts
  /// disabled.
  ///
  /// - Returns: nil where there is none.
  static func withListed<Result>(_ identifier: Int32, _ body: (ThreadPointer) -> Result?) -> Result? {
    listLock.withLock {
      var next = firstInList
      while let thread = next {
        if thread.pointee.identifier == identifier {
          return thread.pointee.processIdentifier == 0 ? nil : body(thread)
        }
        next = thread.pointee.listNext
      }
      return nil
    }
  }

  /// The last identifier that was given.
  static var lastIdentifier: Int32 { ThreadIdentifiers.last }

  /// A new identifier for a thread or a process.
  static func makeIdentifier() -> Int32 { ThreadIdentifiers.make() }

  /// Makes a thread that is not started yet, with the initial FPU state.
  ///
  /// - Parameter process: the program that it belongs to; nil for a kernel thread.
  /// - Returns: nil when memory is out.
  static func create(process: Process?, nice: Int = 0, identifier: Int32? = nil) -> ThreadPointer? {
    reapEnded()
    guard let stackTop = KernelStacks.allocate() else { return nil }
    let size = Thread.areaOffset + KernelFPU.areaSize
    if process != nil, Frames.freeCount <= Frames.reserve {
      KernelStacks.free(stackTop)
      return nil
    }
    guard let memory = KernelHeap.allocate(size: size, alignment: 64) else {
      KernelStacks.free(stackTop)
      return nil
    }
    let thread = memory.bindMemory(to: Thread.self, capacity: 1)
    thread.initialize(
      to: Thread(
        identifier: identifier ?? makeIdentifier(), stackTop: stackTop, process: process, nice: nice,
        protectionKeyRights: KernelFPU.initialProtectionKeyRights))
    thread.pointee.cpu = Int32(cpuNumber())
    thread.pointee.futexWaiter.thread = thread
    liveCount.add(1)
    listLock.withLock {
      // A change of the save instruction converts the areas of the threads on the list. It cannot come
      // between these two and leave an area in the old format behind.
      KernelFPU.resetArea(of: thread)
      thread.pointee.listNext = firstInList
      firstInList?.pointee.listPrevious = thread
      firstInList = thread
    }
    return thread
  }

  /// Calls `body` with every thread whose record exists, with interrupts disabled.
  ///
  /// - Parameter takesLock: false at the machine's end alone, when nothing else runs.
  public static func forEach(takesLock: Bool = true, _ body: (ThreadPointer) -> Void) {
    let wereEnabled = takesLock && listLock.acquire()
    var next = firstInList
    while let thread = next {
      body(thread)
      next = thread.pointee.listNext
    }
    if takesLock { listLock.release(wereEnabled) }
  }

  /// Frees a thread that was never started.
  static func discard(_ thread: ThreadPointer) {
    beginEnd()
    KernelStacks.free(thread.pointee.stackTop)
    free(thread)
  }

  /// Starts a thread on the least loaded CPU that it may run on.
  static func start(_ thread: ThreadPointer) {
    Interrupts.withDisabled {
      Placement.enqueueNew(thread, on: Placement.choose(for: thread))
    }
  }

  /// Makes and starts a kernel thread.
  ///
  /// - Parameters:
  ///   - affinity: the CPUs that may run it, a bit each.
  ///   - function: what it runs; it ends when that returns.
  /// - Returns: nil when memory is out. The thread may have ended by then.
  @discardableResult
  public static func startKernelThread(
    nice: Int = 0, affinity: UInt64 = .max, argument: UInt64 = 0,
    _ function: @escaping @convention(c) (UInt64) -> Void
  ) -> Bool {
    guard let thread = create(process: nil, nice: nice) else { return false }
    thread.pointee.affinity = affinity
    prepareStack(
      of: thread, at: thread.pointee.stackTop, function: unsafeBitCast(function, to: UInt64.self),
      argument: argument)
    start(thread)
    return true
  }

  /// Lays out what `switchStacks` takes from a stack, so that the thread begins at `threadStart`.
  ///
  /// - Parameters:
  ///   - top: where the stack is to be after that; for a user thread its frame lies there.
  ///   - function: 0 for a user thread.
  static func prepareStack(of thread: ThreadPointer, at top: UInt64, function: UInt64, argument: UInt64) {
    // R15, R14, R13, R12, RBX, RBP, return address.
    let words = UnsafeMutablePointer<UInt64>(bitPattern: UInt(top - 7 * 8)).unsafelyUnwrapped
    words[0] = 0
    words[1] = 0
    words[2] = 0
    words[3] = argument
    words[4] = function
    words[5] = 0
    words[6] = addressOfThreadStart()
    thread.pointee.head.stackPointer = top - 7 * 8
  }

  /// The current thread is going to end, and has told nobody yet.
  static func beginEnd() { endingCount.add(1) }

  /// Ends the current thread, which holds no lock, after `beginEnd`.
  static func endCurrent() -> Never {
    // Free those that ended before: at most one waits for each CPU then.
    reapEnded()
    disableInterrupts()
    Scheduler.current.pointee.state = .ended
    Scheduler.block()
    panic("a thread that has ended was switched in")
  }

  /// A thread has been switched away from for the last time. Interrupts are disabled.
  static func ended(_ thread: ThreadPointer) {
    endedLock.acquireWithInterruptsDisabled()
    thread.pointee.nextEnded = firstEnded
    firstEnded = thread
    endedLock.releaseWithInterruptsDisabled()
  }

  /// Frees the threads that have ended. No lock is held and interrupts are enabled.
  ///
  /// One at a time and without preemption: an idle thread that was preempted here might come back only long
  /// after, and nobody else could free what it had taken.
  static func reapEnded() {
    while firstEnded != nil {
      Preemption.disable()
      let ended: ThreadPointer? = endedLock.withLock {
        let first = firstEnded
        firstEnded = first?.pointee.nextEnded
        return first
      }
      if let ended {
        KernelStacks.free(ended.pointee.stackTop)
        free(ended)
      }
      Preemption.enable()
    }
  }

  private static func free(_ thread: ThreadPointer) {
    listLock.withLock {
      thread.pointee.listNext?.pointee.listPrevious = thread.pointee.listPrevious
      if let previous = thread.pointee.listPrevious {
        previous.pointee.listNext = thread.pointee.listNext
      } else {
        firstInList = thread.pointee.listNext
      }
    }
    KernelFPU.exit(thread)
    thread.deinitialize(count: 1)
    KernelHeap.deallocate(thread)
    liveCount.subtract(1)
    endingCount.subtract(1)
  }
}

/// A kernel thread's function returned (`threadStart`).
@c(threadFunctionReturned)
func threadFunctionReturned() {
  Threads.beginEnd()
  Threads.endCurrent()
}
