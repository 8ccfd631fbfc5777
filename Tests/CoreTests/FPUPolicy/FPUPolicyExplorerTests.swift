import Core
import Testing

/// The explorations that the tests share. Each is made when it is first asked for.
enum Explorations {
  nonisolated(unsafe) static let eager = Exploration(Scope(strategy: .eager))
  nonisolated(unsafe) static let lazy = Exploration(Scope(strategy: .lazy))
  nonisolated(unsafe) static let deferred = Exploration(Scope(strategy: .deferred))
  nonisolated(unsafe) static let changing = Exploration(Scope(strategy: .deferred, strategyChanges: true))
  nonisolated(unsafe) static let protectionKeys = Exploration(
    Scope(strategy: .deferred, protectionKeys: true))
  /// Every kind of event in one exploration, so that each pair of kinds occurs.
  nonisolated(unsafe) static let everything = Exploration(
    Scope(strategy: .lazy, strategyChanges: true, protectionKeys: true, depth: 6))

  /// What the comparison of both the owner and `lastCPU` is good for shows here only.
  nonisolated(unsafe) static let halves = Exploration(
    Scope(strategy: .eager, depth: 6, keepsHalves: true))

  static let count = 7
  static func number(_ number: Int) -> Exploration {
    switch number {
    case 0: eager
    case 1: deferred
    case 2: lazy
    case 3: changing
    case 4: protectionKeys
    case 5: everything
    default: halves
    }
  }
}

@Suite struct FPUPolicyExplorerTests {
  @Test(arguments: 0..<Explorations.count)
  func noThreadEverComputesOnAnothersRegisters(number: Int) {
    let exploration = Explorations.number(number)
    print(
      "FPU policy, \(exploration.scope): \(exploration.worlds.count) states,",
      "\(exploration.edgeEvents.count) transitions, \(exploration.depth) events deep")
    #expect(exploration.counterexample == nil)
  }

  @Test func everyPairOfEventsOccurs() {
    var successors = [UInt32](repeating: 0, count: 32)
    for number in 0..<Explorations.count {
      for (kind, mask) in Explorations.number(number).successorKinds().enumerated() {
        successors[kind] |= mask
      }
    }
    var missing: [String] = []
    for first in EventKind.allCases {
      for second in EventKind.allCases
      where successors[Int(first.rawValue)] >> UInt32(second.rawValue) & 1 == 0 {
        missing.append("\(first) then \(second)")
      }
    }
    let all = EventKind.allCases.count * EventKind.allCases.count
    print(
      "FPU policy: \(all - missing.count) of \(all) ordered pairs of events occur; the others cannot:",
      missing)
    #expect(missing.sorted() == Self.impossiblePairs.sorted())
  }

  /// Pairs that no kernel can bring about, and those that the explorer leaves out.
  private static let impossiblePairs =
    // The change stops every CPU in the kernel: none is in user mode after it.
    ["changeSaveInstruction", "changeStrategy"].flatMap { change in
      ["enterKernel", "compute", "deviceNotAvailable", "ownDeviceFault", "writeRights"].map {
        "\(change) then \($0)"
      }
    }
    // Of two CPUs one stays online.
    + ["goOffline then goOffline", "comeOnline then comeOnline"]
    // The explorer lets one area at a time be malformed.
    + ["signalReturnWritesGarbage", "corruptArea"].flatMap { first in
      ["signalReturnWritesGarbage", "corruptArea"].map { "\(first) then \($0)" }
    }
}
