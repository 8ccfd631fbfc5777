import Core
import Machine

/// The time-stamp counter as a clock, and the tick of the APIC timer.
public enum Time {
  /// TSC ticks in a second.
  nonisolated(unsafe) public private(set) static var frequency: UInt64 = 1_000_000_000
  /// Counts of the APIC timer between two timer interrupts.
  nonisolated(unsafe) private static var timerCount: UInt32 = 0
  /// The TSC at the kernel's first instruction.
  static var atFirstInstruction: UInt64 {
    PhysicalMemory.pointer(to: addressOfBootEntryTime()).load(as: UInt64.self)
  }
  /// The TSC when the kernel came up.
  nonisolated(unsafe) private(set) static var start: UInt64 = 0

  /// Timer interrupts in a second on each CPU.
  public static var interruptsPerSecond: UInt64 { 1000 }

  /// TSC ticks of a time slice at nice level 0.
  static var sliceTicks: Int64 { Int64(frequency / 1000 * 3) }

  /// Measures the TSC and the APIC timer against the interval timer, on the first CPU.
  static func calibrate() {
    start = readTimeStampCounter()
    // Twice: the first run, of half a millisecond, warms the emulator's or the CPU's caches. The second is
    // 5 ms long: reading the timer takes some microseconds at worst, so the error is below 0.1 percent.
    for run in 0..<2 {
      let intervalTicks = IntervalTimer.frequency / (run == 0 ? 2000 : 200)
      Platform.localAPIC.startTimerMeasurement()
      let before = readTimeStampCounter()
      IntervalTimer.wait(ticks: UInt16(intervalTicks))
      let after = readTimeStampCounter()
      let counts = UInt64(Platform.localAPIC.timerMeasurement)
      frequency = (after - before) * IntervalTimer.frequency / intervalTicks
      timerCount = UInt32(counts * IntervalTimer.frequency / intervalTicks / interruptsPerSecond)
    }
    if timerCount == 0 || frequency < 1000 { panic("the timers do not run") }
  }

  static func startTimerOnThisCPU() {
    Platform.localAPIC.startPeriodicTimer(vector: Vector.timer, count: timerCount)
  }

  /// A time in TSC ticks, for deadlines.
  public static func ticks(nanoseconds: UInt64) -> UInt64 {
    // Some 30 years at the rates that CPUs have: as good as for ever, and far from an overflow.
    let limit = UInt64(1_000_000_000) * 1_000_000_000
    return multiplyAndDivide(min(nanoseconds, limit), frequency, 1_000_000_000)
  }

  public static func nanoseconds(ticks: UInt64) -> UInt64 {
    // The quotient fits where the TSC runs faster than 1 GHz; below that, ticks are few.
    multiplyAndDivide(ticks, 1_000_000_000, frequency)
  }

  /// Since the kernel came up.
  public static var nanosecondsSinceBoot: UInt64 { nanoseconds(ticks: readTimeStampCounter() &- start) }
}
