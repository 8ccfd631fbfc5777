import Core
import Machine
import System

/// The end of a test that does not end.
enum Hang {
  /// Prints what every thread is doing and ends the machine as failed.
  static func report(_ selfTest: SelfTest) -> Never {
    Console.print("# \(selfTest.name) did not end within \(selfTest.limitInMilliseconds) ms")
    ThreadReport.print(limit: 12)
    Console.print("Bail out! \(selfTest.name) hangs")
    Shutdown.finish(.failed)
  }
}
