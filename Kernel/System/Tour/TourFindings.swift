import Core

/// What the numbers of a tour say, in words.
enum TourFindings {
  static func print(_ results: [TourResult], countsInstructions: Bool) {
    Console.print("What the table shows")
    for result in results { printLoads(result) }
    printSaves(results)
    printCost(results, countsInstructions)
    printProof(results)
    Console.print("")
  }

  private static func printLoads(_ result: TourResult) {
    let loads = result.fpu[.load]
    let skipped = result.fpu[.restoreSkipped]
    let share: Message = "\(percent: skipped, of: loads)"
    switch result.strategy {
    case .eager:
      item("eager asked for a program's registers inside the switch, \(loads) times. In \(skipped) (\(share)) the CPU")
      more("still held them, since only the kernel had run in between: nothing was read.")
    case .lazy:
      let traps = result.fpu[.notAvailableTrap]
      item("lazy waited for the first FPU instruction: \(traps) #NM traps. The other \(loads &- min(traps, loads)) of its \(loads)")
      more("loads came without: registers still in place, or threads with over five FPU slices in a row,")
      more("which are loaded ahead. It skipped \(skipped) restores (\(share)).")
    case .deferred:
      item("deferred asked for them on the way back to user mode, \(loads) times, and skipped \(skipped) (\(share)).")
    }
  }

  /// Programs without FPU use: only a trap can tell.
  private static func printSaves(_ results: [TourResult]) {
    item("A switch to an integer-only program needs no FPU work. Saves and restores done for them all the same:")
    for result in results {
      let fpu = result.integer.fpu
      let work: Message = "\(fpu[.save], width: 7) saves,\(fpu[.restore], width: 7) restores"
      more("  \(left: result.strategy.name, width: 8) \(work) in\(result.integer.switches, width: 7) switches to them")
    }
    if let lazy = results.first(where: { $0.strategy == .lazy }) {
      let none = lazy.integer.fpu[.save] == 0 && lazy.integer.fpu[.restore] == 0
      more(
        none
          ? "Only the trap tells that they use no FPU: lazy did nothing for them."
          : "lazy did some, which a program without FPU instructions cannot cause: look into it.")
    }
  }

  private static func printCost(_ results: [TourResult], _ countsInstructions: Bool) {
    let unit: StaticString = countsInstructions ? "instructions" : "ticks of the time-stamp counter"
    item("A switch by sched_yield between two programs on one CPU, with all SSE registers live, and with none,")
    more("in \(unit), the system call included:")
    for result in results {
      let cost = result.cost
      more("  \(left: result.strategy.name, width: 8) \(cost.withSSE, width: 7) with SSE\(cost.withoutFPU, width: 8) without")
    }
    if !countsInstructions {
      more("Under an emulator such ticks vary from run to run; `make bench` counts instructions instead.")
    }
  }

  private static func printProof(_ results: [TourResult]) {
    var preemptions: UInt64 = 0
    var migrations: UInt64 = 0
    var blocks = 0
    var mismatches = 0
    for result in results {
      preemptions &+= result.programs.preemptions
      migrations &+= result.programs.migrations
      blocks += result.blocks
      mismatches += result.mismatches
    }
    item("The programs were preempted \(preemptions) times and moved to another CPU \(migrations) times, and the kernel")
    more("combined \(blocks) blocks by SIMD in between.")
    if mismatches == 0 {
      more("Every program found its own values in every register at each check, and every block was right.")
    } else {
      more("\(mismatches) programs or blocks had a WRONG VALUE: the lines with MISMATCH above name the registers.")
    }
  }

  private static func item(_ text: Message) { Console.print("- \(text)") }
  private static func more(_ text: Message) { Console.print("  \(text)") }
}
