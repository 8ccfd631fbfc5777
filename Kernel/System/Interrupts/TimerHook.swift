/// A function that every timer interrupt calls, on each CPU: how tests run code inside interrupts.
public enum TimerHook {
  /// Set and cleared by one test at a time. Called with interrupts disabled.
  nonisolated(unsafe) public static var function: (@convention(c) () -> Void)?

  @inline(__always)
  static func call() {
    if let function { function() }
  }
}
