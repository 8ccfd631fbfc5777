import Core

/// What taking lines of the policy out leads to.
enum Verdict {
  /// Data is lost or leaks.
  case unsafe(Counterexample)
  /// No data is harmed, but a row of the contract is broken: time is lost, or a counter lies.
  case breaksRow(Counterexample)
  /// Nothing can be noticed.
  case redundant
}

extension Exploration {
  /// Explores the policy without the lines that the mutations take out, breadth first.
  ///
  /// An event of a kind that no mutation changes leads where it leads in this exploration, so only the
  /// others, and those in worlds that the whole policy cannot reach, are performed anew.
  func verdict(on mutations: [Mutation]) -> Verdict {
    let simulation = scope.simulation(mutations)
    let onlyCounts = mutations.allSatisfy { $0.onlyCounts }
    let unvisited: Int32 = -2
    let known = worlds.count
    var parents = [Int32](repeating: unvisited, count: known)
    var strays: [World] = []
    var strayIndex: [World: Int32] = [:]
    var queue: [Int32] = [0]
    parents[0] = -1
    var rowBroken: Counterexample?
    var events: [Event] = []

    func path(to node: Int32) -> [World] {
      var path: [World] = []
      var node = node
      while node >= 0 {
        path.append(Int(node) < known ? worlds[Int(node)] : strays[Int(node) - known])
        node = parents[Int(node)]
      }
      return path.reversed()
    }

    /// The counterexample that ends the search, if the event leads to one.
    func perform(_ event: Event, _ world: World, _ node: Int32) -> Counterexample? {
      let violation = simulation.perform(event, on: world)
      if violation != .none, violation.isUnsafe || rowBroken == nil {
        let reached = simulation.world
        let found = scope.simulation(mutations).replay(path(to: node), then: violation, in: scope)
        if violation.isUnsafe || onlyCounts { return found }
        rowBroken = found
        simulation.world = reached
      }
      let reached = simulation.world.canonical(scope)
      if let target = index[reached] {
        if parents[Int(target)] == unvisited {
          parents[Int(target)] = node
          queue.append(target)
        }
      } else if strayIndex[reached] == nil {
        let target = Int32(known + strays.count)
        strayIndex[reached] = target
        strays.append(reached)
        parents.append(node)
        queue.append(target)
      }
      return nil
    }

    var next = 0
    while next < queue.count {
      let node = queue[next]
      next += 1
      // A row is broken and a long way from there leads to no harm: that is what there is to tell.
      if strays.count > 3000, let rowBroken { return .breaksRow(rowBroken) }
      if Int(node) >= known {
        let world = strays[Int(node) - known]
        scope.enabledEvents(in: world, into: &events)
        for event in events {
          if let found = perform(event, world, node) { return found.verdict }
        }
        continue
      }
      for edge in Int(firstEdge[Int(node)])..<Int(firstEdge[Int(node) + 1]) {
        let code = edgeEvents[edge]
        if simulation.mutates(Int(code & 31)) {
          if let found = perform(Event(code: code), worlds[Int(node)], node) { return found.verdict }
        } else if parents[Int(edgeTargets[edge])] == unvisited {
          parents[Int(edgeTargets[edge])] = node
          queue.append(edgeTargets[edge])
        }
      }
    }
    return rowBroken.map(Verdict.breaksRow) ?? .redundant
  }
}

extension Mutation {
  /// Whether it takes out nothing but a counter, which no world holds.
  var onlyCounts: Bool {
    if case .drop(_, let operation, _) = self { return operation >= .countSave }
    return false
  }
}

extension Operation: Comparable {
  static func < (left: Operation, right: Operation) -> Bool { left.rawValue < right.rawValue }
}

extension Counterexample {
  var verdict: Verdict { violation.isUnsafe ? .unsafe(self) : .breaksRow(self) }
}

extension Simulation {
  /// Finds the events that lead along a path of canonical worlds and then to the violation, with the threads'
  /// numbers as they were at the start.
  func replay(_ path: [World], then violation: Violation, in scope: Scope) -> Counterexample {
    var replayed: [Event] = []
    var world = World.start(scope.strategy).normalised(scope)
    var events: [Event] = []
    steps: for target in path.dropFirst() {
      scope.enabledEvents(in: world, into: &events)
      for event in events {
        _ = perform(event, on: world)
        if self.world.canonical(scope) == target {
          replayed.append(event)
          world = self.world.normalised(scope)
          continue steps
        }
      }
      preconditionFailure("a path that cannot be replayed")
    }
    scope.enabledEvents(in: world, into: &events)
    for event in events where perform(event, on: world) == violation {
      return Counterexample(events: replayed + [event], violation: violation)
    }
    preconditionFailure("a violation that cannot be replayed")
  }
}
