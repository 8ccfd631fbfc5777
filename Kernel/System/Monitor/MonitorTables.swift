import Core
import Machine

/// The tables that the monitor prints.
enum MonitorTables {
  // MARK: Counters

  private static var fpuHeader: StaticString {
    "     saves     loads  restores   skipped  failed      #NM  initial  sections"
  }

  private static func columns(_ fpu: FPUCounters) -> Message {
    "\(fpu[.save], width: 10)\(fpu[.load], width: 10)\(fpu[.restore], width: 10)\(fpu[.restoreSkipped], width: 10)\(fpu[.restoreFailed], width: 8)\(fpu[.notAvailableTrap], width: 9)\(fpu[.initialStateLoad], width: 9)\(fpu[.kernelSection], width: 10)"
  }

  @inline(never)
  static func printCounters() {
    Console.print("Since boot, for each CPU:")
    Console.print(" CPU\(fpuHeader)")
    var total = FPUCounters()
    for number in 0..<CPUs.count {
      let fpu = CPUs[number].pointee.fpuCounters
      total = total + fpu
      Console.print("\(number, width: 4)\(columns(fpu))")
    }
    Console.print(" all\(columns(total))")
    Console.print("and for each thread that is there now and has used the FPU:")
    Console.print("     thread\(fpuHeader)")
    forEachCopy { thread in
      if thread.fpu[.load] == 0, thread.fpu[.kernelSection] == 0 { return }
      Console.print("\(thread.identifier, width: 11)\(columns(thread.fpu))")
    }
    Console.print("loads = restores + skipped + failed; initial: the initial state was loaded.")
  }

  // MARK: Threads

  @inline(never)
  static func printThreads() {
    Console.print(" thread  process  CPU  state     switches  preempted  migrations   CPU ms  program")
    forEachCopy { thread in
      let state: StaticString =
        switch thread.state {
        case .new: "new"
        case .runnable: "runnable"
        case .blocked, .frozen: "waiting"
        case .ended: "ended"
        }
      let left: Message =
        "\(thread.identifier, width: 7)\(thread.processIdentifier, width: 9)\(thread.cpu, width: 5)  \(left: state, width: 8)"
      let right: Message =
        "\(thread.switches, width: 10)\(thread.preemptions, width: 11)\(thread.migrations, width: 12)\(thread.milliseconds, width: 9)"
      Console.print("\(left)\(right)  \(thread.name)")
    }
  }

  /// What the tables show of a thread.
  private struct ThreadCopy {
    let identifier: Int32
    let processIdentifier: Int32
    let cpu: Int32
    let state: ThreadState
    let switches: UInt64
    let preemptions: UInt64
    let migrations: UInt64
    let milliseconds: UInt64
    let fpu: FPUCounters
    let name: Message

    init(_ thread: ThreadPointer) {
      identifier = thread.pointee.identifier
      processIdentifier = thread.pointee.processIdentifier
      cpu = thread.pointee.cpu
      state = thread.pointee.state
      switches = thread.pointee.switches
      preemptions = thread.pointee.preemptions
      migrations = thread.pointee.migrations
      milliseconds = Time.nanoseconds(ticks: thread.pointee.runTicks) / 1_000_000
      fpu = thread.pointee.fpu.counters
      if thread.pointee.isIdle {
        name = "idle"
      } else if thread.pointee.processIdentifier == 0 {
        name = "kernel"
      } else {
        name = thread.pointee.process?.label ?? "?"
      }
    }
  }

  /// Calls `body` with each thread, oldest first, at most 256: first copied, since printing takes long and
  /// the list of threads can be walked with interrupts disabled only.
  private static func forEachCopy(_ body: (ThreadCopy) -> Void) {
    let limit = 256
    let copies = UnsafeMutablePointer<ThreadCopy>.allocate(capacity: limit)
    var count = 0
    var total = 0
    Threads.forEach { thread in
      total += 1
      if count < limit {
        (copies + count).initialize(to: ThreadCopy(thread))
        count += 1
      }
    }
    for index in 0..<count { body(copies[count - 1 - index]) }
    if total > count { Console.print("... and \(total - count) older ones") }
    copies.deinitialize(count: count)
    copies.deallocate()
  }

  // MARK: CPUs and memory

  @inline(never)
  static func printCPUs() {
    Console.print(" CPU  APIC    switches  preemptions  migrations in  timer interrupts  runs thread  FPU owner")
    for number in 0..<CPUs.count {
      let cpu = CPUs[number]
      // Hints: the CPU goes on meanwhile. Identifiers are looked up among the threads that exist.
      let running = identifier(of: cpu.pointee.running.map { UnsafeRawPointer($0) })
      let owner = identifier(of: cpu.pointee.area.pointee.fpuOwner.map { UnsafeRawPointer($0) })
      let left: Message =
        "\(number, width: 4)\(cpu.pointee.apicID, width: 6)\(cpu.pointee.switches, width: 12)\(cpu.pointee.preemptions, width: 13)"
      let right: Message =
        "\(cpu.pointee.migrationsIn, width: 15)\(cpu.pointee.timerInterrupts, width: 18)\(right: running, width: 13)\(right: owner, width: 11)"
      Console.print("\(left)\(right)")
    }
  }

  private static func identifier(of address: UnsafeRawPointer?) -> Message {
    var found: Message = "-"
    guard let address else { return found }
    Threads.forEach { thread in
      if UnsafeRawPointer(thread) == address {
        found = thread.pointee.isIdle ? "idle" : "\(thread.pointee.identifier)"
      }
    }
    return found
  }

  @inline(never)
  static func printMemory() {
    let total = UInt64(Frames.totalCount) << 2
    let free = UInt64(Frames.freeCount) << 2
    Console.print("physical memory  \(total, width: 9) KiB")
    Console.print("  free           \(free, width: 9) KiB")
    Console.print("  in use         \(total &- free, width: 9) KiB")
    Console.print("kernel heap      \(KernelHeap.bytesInUse >> 10, width: 9) KiB in use")
    Console.print("threads          \(Threads.count, width: 9)")
    Console.print("FPU state area   \(KernelFPU.areaSize, width: 9) bytes in each thread")
  }
}

extension Message.StringInterpolation {
  /// A message, right-aligned in `width` columns.
  mutating func appendInterpolation(right message: Message, width: Int) {
    for _ in 0..<max(width - message.count, 0) { append(32) }
    appendInterpolation(message)
  }
}
