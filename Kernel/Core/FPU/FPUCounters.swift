/// What the FPU code counts, for each CPU and for each thread.
public enum FPUEvent: Int, CaseIterable, Sendable {
  /// A thread's registers were written to its area.
  case save
  /// A thread needed its state in the registers: the sum of restores, skipped restores and failed ones.
  case load
  /// The state was read from the thread's area.
  case restore
  /// The registers still held the thread's state, so nothing was read.
  case restoreSkipped
  /// The area could not be restored and the initial state was loaded in its place.
  case restoreFailed
  /// #NM in lazy mode.
  case notAvailableTrap
  /// The initial state was written to the registers or to an area: new program, kernel section, failed
  /// restore.
  case initialStateLoad
  /// A kernel SIMD section was opened.
  case kernelSection

  /// The name under which the counter is printed.
  public var name: StaticString {
    switch self {
    case .save: "saves"
    case .load: "loads"
    case .restore: "restores"
    case .restoreSkipped: "restores skipped"
    case .restoreFailed: "restores failed"
    case .notAvailableTrap: "#NM traps"
    case .initialStateLoad: "initial-state loads"
    case .kernelSection: "kernel sections"
    }
  }
}

/// One counter for each `FPUEvent`. Wraps around; readers take differences.
public struct FPUCounters: Sendable {
  private var values = InlineArray<8, UInt64>(repeating: 0)

  public init() {}

  public subscript(event: FPUEvent) -> UInt64 {
    @inline(__always) get { values[unchecked: event.rawValue] }
    @inline(__always) set { values[unchecked: event.rawValue] = newValue }
  }

  /// The sum of two sets of counters.
  public static func + (left: FPUCounters, right: FPUCounters) -> FPUCounters {
    var sum = left
    for event in FPUEvent.allCases { sum[event] &+= right[event] }
    return sum
  }

  /// What was counted since `earlier` was read.
  public static func - (later: FPUCounters, earlier: FPUCounters) -> FPUCounters {
    var difference = later
    for event in FPUEvent.allCases { difference[event] &-= earlier[event] }
    return difference
  }
}
