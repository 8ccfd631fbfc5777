import Core
import Machine
import Synchronization
import System

/// Kernel threads that run closures for a test, and the wait for their end.
final class WorkGroup {
  private let remaining = Atomic<Int>(0)
  private let ends = WaitQueue()
  private(set) var workers: [Worker] = []

  /// Starts a thread.
  ///
  /// - Parameter body: gets the worker itself, whose `thread` is the current one.
  /// - Returns: nil when memory is out.
  @discardableResult
  func start(nice: Int = 0, affinity: UInt64 = .max, _ body: @escaping (Worker) -> Void) -> Worker? {
    let worker = Worker(group: self, body: body)
    let argument = UInt64(UInt(bitPattern: Unmanaged.passRetained(worker).toOpaque()))
    remaining.wrappingAdd(1, ordering: .relaxed)
    // Before the thread runs: it may count what the heap has in use.
    workers.append(worker)
    guard Threads.startKernelThread(nice: nice, affinity: affinity, argument: argument, runWorker) else {
      Unmanaged<Worker>.fromOpaque(worker.opaque).release()
      remaining.wrappingSubtract(1, ordering: .relaxed)
      workers.removeLast()
      return nil
    }
    return worker
  }

  /// Waits until every worker has ended.
  ///
  /// - Returns: false where the time ran out.
  @discardableResult
  func wait(limitInMilliseconds limit: UInt64? = nil) -> Bool {
    let deadline = limit.map { readTimeStampCounter() &+ Time.ticks(nanoseconds: $0 &* 1_000_000) }
    return ends.wait(until: deadline) { remaining.load(ordering: .acquiring) == 0 } == .satisfied
  }

  fileprivate func workerEnded() {
    remaining.wrappingSubtract(1, ordering: .acquiringAndReleasing)
    ends.wake()
  }
}

/// One of a group's threads.
final class Worker {
  private var group: WorkGroup?
  private var body: ((Worker) -> Void)?
  /// Valid from the start of the body to its end.
  private(set) var thread: ThreadPointer?

  // MARK: The thread's counters, at its end

  private(set) var preemptions: UInt64 = 0
  private(set) var migrations: UInt64 = 0
  private(set) var switches: UInt64 = 0
  private(set) var runTicks: UInt64 = 0

  init(group: WorkGroup, body: @escaping (Worker) -> Void) {
    self.group = group
    self.body = body
  }

  fileprivate var opaque: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  fileprivate func run() {
    let thread = Scheduler.current
    self.thread = thread
    body?(self)
    preemptions = thread.pointee.preemptions
    migrations = thread.pointee.migrations
    switches = thread.pointee.switches
    runTicks = thread.pointee.runTicks
    self.thread = nil
    // Both may refer to this worker.
    body = nil
    let group = self.group
    self.group = nil
    group?.workerEnded()
  }
}

private func runWorker(_ argument: UInt64) {
  // SAFETY: `WorkGroup.start` retained the worker for this thread alone.
  guard let pointer = UnsafeRawPointer(bitPattern: UInt(argument)) else { return }
  Unmanaged<Worker>.fromOpaque(pointer).takeRetainedValue().run()
}
