import Core
import Machine
import Synchronization
import System

/// A test that runs: what it expects of the kernel, and what came of it. May be used by several threads.
///
/// An expectation that does not hold is printed and counted, and the test goes on.
public final class Test {
  private let failures = Atomic<Int>(0)
  private(set) var skipReason: StaticString?
  /// The test's own random numbers, repeatable by the boot line's `seed=`. For the test's first thread.
  public var random: RandomNumbers

  init(seed: UInt64) {
    random = RandomNumbers(seed: seed)
  }

  var hasFailed: Bool { failures.load(ordering: .acquiring) != 0 }

  /// Expects that a condition holds.
  ///
  /// - Parameter message: what does not hold otherwise, with the values that matter.
  public func expect(
    _ condition: Bool, _ message: @autoclosure () -> Message, file: StaticString = #fileID, line: Int = #line
  ) {
    if condition { return }
    let before = failures.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
    // Thousands of the same line would say no more.
    if before < 8 { Console.print("# \(file):\(line): \(message())") }
  }

  /// Expects two numbers to be equal.
  public func expectEqual<Number: FixedWidthInteger>(
    _ found: Number, _ expected: Number, _ what: @autoclosure () -> Message,
    file: StaticString = #fileID, line: Int = #line
  ) {
    expect(found == expected, "\(what()): \(found), expected \(expected)", file: file, line: line)
  }

  /// The test cannot be made on this machine; what was expected so far still counts.
  public func skip(_ reason: StaticString) { skipReason = reason }

  /// A figure that the test found, for whoever reads the log.
  public func note(_ message: Message) { Console.print("# \(message)") }
}
