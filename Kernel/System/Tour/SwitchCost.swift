import Core
import Machine

/// What a switch takes, from one program to another on the same CPU.
///
/// Two programs give the CPU to each other by sched_yield. What a figure holds is the whole way: the system
/// call, the scheduler, the change of the address space, the FPU's part, and the few instructions that the
/// program runs in between.
struct SwitchCost {
  /// Between two programs that change all SSE registers in each turn.
  var withSSE: UInt64 = 0
  /// Between two programs that use no FPU register.
  var withoutFPU: UInt64 = 0
  /// Whether a program found a wrong value.
  var mismatches = 0
  /// Whether a program did not start or end as it should.
  var failures = 0

  /// Measures under the strategy in force.
  static func measure() -> SwitchCost {
    var cost = SwitchCost()
    cost.withSSE = cost.measurePair("--sse")
    cost.withoutFPU = cost.measurePair("--none")
    return cost
  }

  /// The lowest average of a few windows of time: what disturbs can only add.
  private mutating func measurePair(_ option: StaticString) -> UInt64 {
    let cpu = UInt64(1) << UInt64(CPUs.count - 1)
    do throws(ProgramError) {
      let first = try Programs.start("/bin/turns", option, affinity: cpu)
      defer { end(first) }
      let second = try Programs.start("/bin/turns", option, affinity: cpu)
      defer { end(second) }
      Sleep.milliseconds(20)
      var lowest = UInt64.max
      for _ in 0..<5 {
        let before = Self.sum(first, second)
        Sleep.milliseconds(20)
        let after = Self.sum(first, second)
        let switches = after.switches &- before.switches
        if switches > 0 { lowest = min(lowest, (after.runTicks &- before.runTicks) / switches) }
      }
      if lowest == .max {
        Console.print("tour: two programs that yield to each other were not switched")
        failures += 1
        return 0
      }
      return lowest
    } catch {
      Console.print("tour: /bin/turns did not start: \(error.message)")
      failures += 1
      return 0
    }
  }

  private static func sum(_ first: Process, _ second: Process) -> Process.Counters {
    var sum = first.counters
    sum.add(second.counters)
    return sum
  }

  private mutating func end(_ process: Process) {
    process.kill(.kill)
    let deadline = readTimeStampCounter() &+ Time.ticks(nanoseconds: 10_000_000_000)
    switch process.waitForEnd(until: deadline) {
    case .killed(signal: Signal.kill.rawValue)?: break
    case .exited(code: 1)?:
      Console.print("tour: \(process.label) found a register with a wrong value")
      mismatches += 1
    default:
      Console.print("tour: \(process.label) did not end as it was asked to")
      failures += 1
    }
  }

  /// Whether the time-stamp counter counts instructions, as emulators can have it: then figures repeat.
  static var countsInstructions: Bool {
    let count: UInt64 = 20_000
    return Interrupts.withDisabled {
      for _ in 0..<3 {
        let start = readTimeStampCounter()
        countDown(count)
        let ticks = readTimeStampCounter() &- start
        // Two instructions a turn, and a few around the loop.
        if ticks < 2 * count || ticks > 2 * count + 100 { return false }
      }
      return true
    }
  }
}
