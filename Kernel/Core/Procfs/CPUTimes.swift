/// What a CPU has spent its time on, in hundredths of a second (proc_stat(5)).
public struct CPUTimes: Sendable {
  public var user: UInt64 = 0
  public var nice: UInt64 = 0
  public var system: UInt64 = 0
  public var idle: UInt64 = 0

  public init() {}

  public static func + (left: CPUTimes, right: CPUTimes) -> CPUTimes {
    var sum = left
    sum.user += right.user
    sum.nice += right.nice
    sum.system += right.system
    sum.idle += right.idle
    return sum
  }

  /// Writes the line of one CPU in /proc/stat, or of all for nil.
  public func write(to text: inout TextBuffer, cpu: Int?) {
    text.put("cpu")
    if let cpu {
      text.put(cpu)
    } else {
      text.put(" ")
    }
    let times: InlineArray<4, UInt64> = [user, nice, system, idle]
    for index in 0..<4 {
      text.put(" ")
      text.put(times[index])
    }
    // Waiting for disks, interrupts twice, other guests, guests twice.
    text.put(" 0 0 0 0 0 0\n")
  }
}
