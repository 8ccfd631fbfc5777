import Core

/// What one exploration varies.
struct Scope: Hashable, CustomStringConvertible {
  let strategy: FPUStrategy
  var strategyChanges = false
  var protectionKeys = false

  /// How many events deep, where the fixpoint is too far.
  var depth = Int.max
  /// Whether worlds are told apart by half an agreement of owner and `lastCPU`: to see what comparing both is
  /// good for.
  var keepsHalves = false

  var tracksSlices: Bool { strategy == .lazy && !strategyChanges || strategyChanges && depth < .max }

  func simulation(_ mutations: [Mutation] = []) -> Simulation {
    Simulation(hasProtectionKeys: protectionKeys, tracksSlices: tracksSlices, mutations: mutations)
  }

  func enabledEvents(in world: World, into events: inout [Event]) {
    events.removeAll(keepingCapacity: true)
    world.enabledEvents(
      protectionKeys: protectionKeys, slices: tracksSlices, strategyChanges: strategyChanges, into: &events)
  }

  var description: String {
    (strategyChanges ? "all strategies, changed at run time" : "\(strategy.name)")
      + (protectionKeys ? ", protection keys" : "") + (keepsHalves ? ", half agreements kept" : "")
      + (depth < .max ? ", to depth \(depth)" : "")
  }
}

/// How the policy goes wrong: the shortest list of events that leads there.
struct Counterexample: CustomStringConvertible {
  let events: [Event]
  let violation: Violation

  var description: String {
    events.map(\.description).joined(separator: "; ") + " => " + violation.text
  }
}

/// Every world that the policy can reach, and every event in it: breadth first, to the fixpoint.
final class Exploration {
  let scope: Scope
  private(set) var worlds: [World] = []
  private(set) var index: [World: Int32] = [:]
  /// The edges of world n are those from `firstEdge[n]` up to `firstEdge[n + 1]`.
  private(set) var firstEdge: [Int32] = [0]
  private(set) var edgeEvents: [UInt16] = []
  private(set) var edgeTargets: [Int32] = []
  private(set) var effects = Set<Mutation>()
  private(set) var counterexample: Counterexample?
  /// The number of events to the farthest world.
  private(set) var depth = 0
  private var parents: [Int32] = [-1]

  init(_ scope: Scope) {
    self.scope = scope
    explore()
  }

  private func explore() {
    let simulation = scope.simulation()
    let start = World.start(scope.strategy).canonical(scope)
    worlds.append(start)
    index[start] = 0
    var depths: [Int32] = [0]
    var events: [Event] = []
    var next = 0
    while next < worlds.count {
      let world = worlds[next]
      if depths[next] == scope.depth { break }
      scope.enabledEvents(in: world, into: &events)
      for event in events {
        let violation = simulation.perform(event, on: world)
        if violation != .none {
          counterexample = simulation.replay(path(to: next), then: violation, in: scope)
          return
        }
        let reached = simulation.world.canonical(scope)
        let target: Int32
        if let known = index[reached] {
          target = known
        } else {
          target = Int32(worlds.count)
          index[reached] = target
          worlds.append(reached)
          parents.append(Int32(next))
          depths.append(depths[next] + 1)
        }
        edgeEvents.append(event.code)
        edgeTargets.append(target)
      }
      firstEdge.append(Int32(edgeEvents.count))
      next += 1

    }
    depth = Int(depths.last!)
    effects = simulation.effects
  }

  private func path(to world: Int) -> [World] {
    var path: [World] = []
    var world = world
    while world >= 0 {
      path.append(worlds[world])
      world = Int(parents[world])
    }
    return path.reversed()
  }

  /// The kinds of event that follow a kind immediately, as a bit mask for each kind.
  func successorKinds() -> [UInt32] {
    var enabled = [UInt32](repeating: 0, count: worlds.count)
    for world in 0..<firstEdge.count - 1 {
      for edge in Int(firstEdge[world])..<Int(firstEdge[world + 1]) {
        enabled[world] |= 1 << UInt32(edgeEvents[edge] & 31)
      }
    }
    var successors = [UInt32](repeating: 0, count: 32)
    for edge in 0..<edgeEvents.count {
      successors[Int(edgeEvents[edge] & 31)] |= enabled[Int(edgeTargets[edge])]
    }
    return successors
  }
}
