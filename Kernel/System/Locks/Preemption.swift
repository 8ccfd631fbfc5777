import Core
import Machine

/// Whether this CPU may be taken from the thread that runs on it.
public enum Preemption {
  @inline(__always)
  public static func disable() { cpuIncrementPreemptionDisabled() }

  /// Enables preemption again, and makes up for one that came meanwhile.
  @inline(__always)
  public static func enable() {
    cpuDecrementPreemptionDisabled()
    if cpuNeedsReschedule() != 0 { rescheduleIfAllowed() }
  }

  @inline(never)
  static func rescheduleIfAllowed() {
    if cpuPreemptionDisabled() == 0, cpuInterruptDepth() == 0, Interrupts.areEnabled {
      Scheduler.preempt()
    }
  }

  @inline(__always)
  public static func withDisabled<Result>(_ body: () -> Result) -> Result {
    disable()
    defer { enable() }
    return body()
  }
}

/// This CPU's interrupt flag.
public enum Interrupts {
  @inline(__always)
  public static var areEnabled: Bool { readFlags() & RFLAGS_INTERRUPT != 0 }

  /// - Returns: whether they were enabled; `restore` takes it back.
  @inline(__always)
  public static func disable() -> Bool {
    let wereEnabled = areEnabled
    disableInterrupts()
    return wereEnabled
  }

  @inline(__always)
  public static func restore(_ wereEnabled: Bool) {
    guard wereEnabled else { return }
    enableInterrupts()
    if cpuNeedsReschedule() != 0 { Preemption.rescheduleIfAllowed() }
  }

  @inline(__always)
  public static func withDisabled<Result>(_ body: () -> Result) -> Result {
    let wereEnabled = disable()
    defer { restore(wereEnabled) }
    return body()
  }
}

/// A condition that the kernel relies on: compiled in where the build defines CHECKED, as the tests' does.
@inline(__always)
public func check(_ condition: @autoclosure () -> Bool, _ message: StaticString) {
  #if CHECKED
    if !condition() { checkFailed(message) }
  #endif
}

/// Apart from `check`, so that a message takes room on the stack only once it is needed.
@inline(never)
func checkFailed(_ message: StaticString) -> Never { panic("\(message)") }
