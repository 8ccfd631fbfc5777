import Core
import Machine

/// Threads as such: identity, end, CPU, thread-local storage.
extension SystemCalls {
  /// getpid(2)
  @inline(__always)
  static func getpid() -> Int64 { Int64(Scheduler.current.pointee.processIdentifier) }

  /// gettid(2)
  @inline(__always)
  static func gettid() -> Int64 { Int64(Scheduler.current.pointee.identifier) }

  /// getppid(2): 0 where the kernel started the program.
  static func getppid() -> Int64 { Processes.parentIdentifier(of: Scheduler.current.pointee.process!) }

  /// set_tid_address(2)
  static func set_tid_address(_ arguments: SystemCallArguments) -> Int64 {
    Scheduler.current.pointee.clearChildThreadID = arguments.first
    return gettid()
  }

  /// sched_yield(2)
  @inline(__always)
  static func sched_yield() -> Int64 {
    Scheduler.yield()
    return 0
  }

  /// exit(2): of the calling thread.
  static func exit(_ arguments: SystemCallArguments) -> Never {
    Scheduler.current.pointee.exitStatus = WaitStatus.exited(UInt8(truncatingIfNeeded: arguments.first))
    Scheduler.current.pointee.process!.setExitCode(UInt8(truncatingIfNeeded: arguments.first))
    Exit.endThread()
  }

  /// exit_group(2)
  static func exit_group(_ arguments: SystemCallArguments) -> Never {
    Scheduler.current.pointee.process!.exit(status: Int32(truncatingIfNeeded: arguments.first & 0xFF) << 8)
    Exit.endThread()
  }

  /// sched_setaffinity(2)
  static func sched_setaffinity(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let size = arguments.second
    var mask: UInt64 = 0
    let count = Int(min(size & 0xFFFF_FFFF, 8))
    let isRead = withUnsafeMutableBytes(of: &mask) {
      UserMemory.copyIn($0.baseAddress!, from: arguments.third, count: count)
    }
    guard isRead else { throw .badAddress }
    let caller = Scheduler.current.pointee.process!.credentials
    try withThread(arguments.first) { thread throws(Errno) in
      guard let process = thread.pointee.process, caller.effective.contains(.raisePriority) || owns(caller, process)
      else { throw .notPermitted }
      guard mask & CPUs.onlineMask != 0 else { throw .invalid }
      Scheduler.setAffinity(of: thread, mask)
    }
    return 0
  }

  /// sched_getaffinity(2): returns the number of bytes that it writes.
  static func sched_getaffinity(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let size = arguments.second & 0xFFFF_FFFF
    // As on Linux the bits are counted in 32 bits.
    guard size & 7 == 0, size << 3 & 0xFFFF_FFFF != 0 else { throw .invalid }
    var mask: UInt64 = 0
    try withThread(arguments.first) { thread throws(Errno) in
      mask = thread.pointee.affinity & CPUs.onlineMask
    }
    guard UserMemory.store(mask, to: arguments.third) else { throw .badAddress }
    return 8
  }

  /// Calls `body` with the thread that an identifier names; 0 is the caller.
  ///
  /// The thread's process is locked meanwhile, so that it cannot end.
  static func withThread(
    _ identifier: UInt64, _ body: (ThreadPointer) throws(Errno) -> Void
  ) throws(Errno) {
    let number = Int32(truncatingIfNeeded: identifier)
    if number == 0 || number == Scheduler.current.pointee.identifier {
      try body(Scheduler.current)
      return
    }
    guard number > 0, let process = Threads.process(ofThread: number) else { throw .noProcess }
    var failure: Errno? = nil
    var isFound = false
    process.forEachThread { thread in
      guard thread.pointee.identifier == number else { return }
      isFound = true
      do throws(Errno) { try body(thread) } catch { failure = error }
    }
    if let failure { throw failure }
    if !isFound { throw .noProcess }
  }
}
