import Core
import Machine
import System

/// The end of a test that does not end.
enum Hang {
  /// Prints what every thread is doing and ends the machine as failed.
  static func report(_ selfTest: SelfTest) -> Never {
    Console.print("# \(selfTest.name) did not end within \(selfTest.limitInMilliseconds) ms")
    for number in 0..<CPUs.count {
      if let thread = SelfTestAccess.running(on: number) {
        Console.print("# CPU \(number) runs thread \(thread.pointee.identifier)")
      }
    }
    var printed = 0
    Threads.forEach { thread in
      printed += 1
      if printed <= 12 { describe(thread) }
    }
    if printed > 12 { Console.print("# and \(printed - 12) threads more") }
    Console.print("Bail out! \(selfTest.name) hangs")
    Shutdown.finish(.failed)
  }

  private static func describe(_ thread: ThreadPointer) {
    let state: StaticString =
      switch thread.pointee.state {
      case .new: "not started"
      case .runnable: "runnable"
      case .blocked: "blocked"
      case .ended: "ended"
      }
    Console.print(
      "# thread \(thread.pointee.identifier) \(state) on CPU \(thread.pointee.cpu), affinity \(hex: thread.pointee.affinity), \(thread.pointee.switches) switches, \(thread.pointee.preemptions) preemptions"
    )
    for number in 0..<CPUs.count where SelfTestAccess.running(on: number) == thread { return }
    if thread.pointee.state != .ended { Backtrace.print(from: SelfTestAccess.framePointer(of: thread)) }
  }
}
