extension ResourceLimits {
  /// Writes /proc/PID/limits (proc_pid_limits(5)).
  public func write(to text: inout TextBuffer) {
    Self.writeRow("Limit", to: &text) { text in
      let start = text.needed
      text.put("Soft Limit")
      text.pad(from: start, to: 21)
      text.put("Hard Limit")
      text.pad(from: start, to: 42)
      Self.writeUnit("Units", to: &text)
    }
    for resource in Resource.allCases {
      Self.writeRow(resource.title, to: &text) { text in
        let start = text.needed
        Self.put(self[resource].soft, &text)
        text.pad(from: start, to: 21)
        Self.put(self[resource].hard, &text)
        text.pad(from: start, to: 42)
        Self.writeUnit(resource.unit, to: &text)
      }
    }
  }

  private static func writeRow(
    _ title: StaticString, to text: inout TextBuffer, _ rest: (inout TextBuffer) -> Void
  ) {
    let start = text.needed
    text.put(title)
    text.pad(from: start, to: 26)
    rest(&text)
    text.put("\n")
  }

  private static func writeUnit(_ unit: StaticString, to text: inout TextBuffer) {
    let start = text.needed
    text.put(unit)
    text.pad(from: start, to: 10)
  }

  private static func put(_ limit: UInt64, _ text: inout TextBuffer) {
    if limit == ResourceLimit.infinite { text.put("unlimited") } else { text.put(limit) }
  }
}

extension Resource {
  var title: StaticString {
    switch self {
    case .cpuTime: "Max cpu time"
    case .fileSize: "Max file size"
    case .data: "Max data size"
    case .stack: "Max stack size"
    case .core: "Max core file size"
    case .residentSet: "Max resident set"
    case .processes: "Max processes"
    case .openFiles: "Max open files"
    case .lockedMemory: "Max locked memory"
    case .addressSpace: "Max address space"
    case .locks: "Max file locks"
    case .pendingSignals: "Max pending signals"
    case .messageQueues: "Max msgqueue size"
    case .nice: "Max nice priority"
    case .realTimePriority: "Max realtime priority"
    case .realTime: "Max realtime timeout"
    }
  }

  var unit: StaticString {
    switch self {
    case .cpuTime: "seconds"
    case .fileSize, .data, .stack, .core, .residentSet, .lockedMemory, .addressSpace, .messageQueues: "bytes"
    case .processes: "processes"
    case .openFiles: "files"
    case .locks: "locks"
    case .pendingSignals: "signals"
    case .nice, .realTimePriority: ""
    case .realTime: "us"
    }
  }
}
