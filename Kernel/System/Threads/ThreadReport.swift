import Core
import Machine

/// What every thread is doing: for whoever looks into a machine that stands still.
package enum ThreadReport {
  /// Prints the threads, newest first, each with its calls where it does not run.
  ///
  /// With interrupts disabled until it ends, since the list of threads must not change; what it says about threads
  /// that run meanwhile may be late.
  ///
  /// - Parameters:
  ///   - limit: threads beyond it are counted only.
  ///   - blockedOnly: leaves out those that run or could.
  ///   - takesLock: false where nothing runs any more and the list's lock may be held for ever.
  package static func print(limit: Int, blockedOnly: Bool = false, takesLock: Bool = true) {
    for number in 0..<CPUs.count {
      if let thread = CPUs[number].pointee.running {
        Console.print("# CPU \(number) runs thread \(thread.pointee.identifier)")
      }
    }
    var printed = 0
    Threads.forEach(takesLock: takesLock) { thread in
      let isWaiting = thread.pointee.state == .blocked || thread.pointee.state == .frozen
      if thread.pointee.isIdle || blockedOnly && !isWaiting { return }
      printed += 1
      if printed <= limit { describe(thread) }
    }
    if printed > limit { Console.print("# and \(printed - limit) threads more") }
  }

  @inline(never)
  private static func describe(_ thread: ThreadPointer) {
    let state: StaticString =
      switch thread.pointee.state {
      case .new: "not started"
      case .runnable: "runnable"
      case .blocked, .frozen: "blocked"
      case .ended: "ended"
      }
    Console.print(
      "# thread \(thread.pointee.identifier) of process \(thread.pointee.processIdentifier) \(state) on CPU \(thread.pointee.cpu), affinity \(hex: thread.pointee.affinity), \(thread.pointee.switches) switches, \(thread.pointee.preemptions) preemptions"
    )
    if let process = thread.pointee.process { Console.print("#   \(process.label)") }
    for number in 0..<CPUs.count where CPUs[number].pointee.running == thread { return }
    // The innermost frame of a thread that is switched out: above its frame pointer lie the other five registers
    // that switchStacks pushes.
    if thread.pointee.state != .ended { Backtrace.print(from: thread.pointee.head.stackPointer + 5 * 8) }
  }
}
