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
    // The first run, of half a millisecond, warms the emulator's or the CPU's caches. The others are 2.5 ms long:
    // reading the timer takes some microseconds at worst, so the error is below 0.2 percent. Whatever holds this
    // CPU up meanwhile makes a run longer and none shorter: the shortest counts, once another one agrees with it.
    var shortest = measure(parts: 2000).ticks
    var counts: UInt64 = 0
    for run in 0..<40 {
      let (ticks, timerCounts) = measure(parts: 400)
      let hasAgreement = run > 0 && max(ticks, shortest) - min(ticks, shortest) < shortest / 500
      if run == 0 || ticks < shortest {
        shortest = ticks
        counts = timerCounts
      }
      if hasAgreement { break }
    }
    let intervalTicks = IntervalTimer.frequency / 400
    frequency = shortest * IntervalTimer.frequency / intervalTicks
    timerCount = UInt32(counts * IntervalTimer.frequency / intervalTicks / interruptsPerSecond)
    if timerCount == 0 || frequency < 1000 { panic("the timers do not run") }
    scale = ClockScale(frequency: frequency)
  }

  /// What the TSC and the APIC timer count in a part of a second.
  private static func measure(parts: UInt64) -> (ticks: UInt64, timerCounts: UInt64) {
    Platform.localAPIC.startTimerMeasurement()
    let before = readTimeStampCounter()
    IntervalTimer.wait(ticks: UInt16(IntervalTimer.frequency / parts))
    let after = readTimeStampCounter()
    return (after - before, UInt64(Platform.localAPIC.timerMeasurement))
  }

  static func startTimerOnThisCPU() {
    Platform.localAPIC.startPeriodicTimer(vector: Vector.timer, count: timerCount)
  }

  /// How long a tick is.
  nonisolated(unsafe) private(set) static var scale = ClockScale(frequency: 1_000_000_000)

  /// A length in TSC ticks, rounded up.
  public static func ticks(nanoseconds: UInt64) -> UInt64 { scale.ticks(nanoseconds: nanoseconds) }

  public static func nanoseconds(ticks: UInt64) -> UInt64 { scale.nanoseconds(ticks: ticks) }

  /// The deadline for a time of the kernel's own clock, in TSC ticks.
  static func deadline(nanosecondsSinceBoot: UInt64) -> UInt64 {
    start &+ scale.ticks(nanoseconds: nanosecondsSinceBoot)
  }

  /// Since the kernel came up.
  public static var nanosecondsSinceBoot: UInt64 { nanoseconds(ticks: readTimeStampCounter() &- start) }
}
