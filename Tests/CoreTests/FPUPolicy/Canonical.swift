/// Worlds that differ in nothing that matters are one.
extension World {
  /// The world with threads renumbered, so that worlds that differ in nothing else are one.
  func canonical(_ scope: Scope) -> World { normalised(scope).renumbered() }

  /// The world with what has no meaning left out or taken for the worst:
  ///
  /// - Half an agreement of owner and `lastCPU` counts for nothing. `Simulation` checks that the policy
  ///   writes both halves together, so that a half never becomes whole by itself. (`Scope.keepsHalves` does
  ///   without.)
  /// - Registers matter where owner and `lastCPU` agree, where the current thread is live on them, and
  ///   inside a section. Elsewhere they hold stale data.
  /// - The area of a thread that is live is out of date: the thread may have computed at any time.
  /// - `isLive` of a stopped thread means nothing. `Simulation` presets it to the wrong answer.
  func normalised(_ scope: Scope) -> World {
    var world = self
    for thread in 0..<World.threads {
      let lastCPU = self[thread: thread, .lastCPU]
      if !scope.keepsHalves, lastCPU != 0, self[cpu: lastCPU &- 1, .owner] != thread {
        world[thread: thread, .lastCPU] = 0
      }
      if self.cpu(running: thread) == nil { world[thread: thread, .isLive] = 0 }
    }
    for cpu in 0..<World.cpus {
      let current = self[cpu: cpu, .current]
      let isLive = current != World.nobody && self[thread: current, .isLive] == 1
      if isLive, self[thread: current, .area] == Contents.current(current) {
        world[thread: current, .area] = Contents.stale
      }
      let owner = self[cpu: cpu, .owner]
      if owner != World.nobody {
        if self[thread: owner, .lastCPU] == cpu &+ 1 { continue }
        if !scope.keepsHalves { world[cpu: cpu, .owner] = World.nobody }
      }
      if isLive || self[cpu: cpu, .mode] == Mode.kernelSection { continue }
      world[cpu: cpu, .registers] = Contents.stale
    }
    return world
  }

  private func renumbered() -> World {
    let first = signature(0)
    let second = signature(1)
    let third = signature(2)
    if first >= second, second >= third { return self }
    // The new number of each thread: how many threads come before it.
    let new0 = (second > first ? 1 : 0) &+ (third > first ? 1 : 0)
    let new1 = (first >= second ? 1 : 0) &+ (third > second ? 1 : 0)
    return renumbered(new0, new1, 3 &- new0 &- new1)
  }

  /// Everything about a thread that does not depend on its number.
  private func signature(_ thread: Int) -> Int {
    let area = self[thread: thread, .area]
    let isOwn = area == Contents.current(thread)
    var signature = Int(bits &>> UInt64(10 &* thread) & 0x3FF) & ~(7 << 6)
    signature |= (isOwn ? 7 : area >= Contents.current(0) ? 6 : area) &<< 6
    for cpu in 0..<World.cpus {
      signature &<<= 4
      if self[cpu: cpu, .current] == thread { signature |= 1 }
      if self[cpu: cpu, .owner] == thread { signature |= 2 }
      if self[cpu: cpu, .registers] == Contents.current(thread) { signature |= 4 }
      if self[cpu: cpu, .rights] == thread { signature |= 8 }
    }
    return signature
  }

  private func renumbered(_ new0: Int, _ new1: Int, _ new2: Int) -> World {
    func new(_ thread: Int) -> Int {
      switch thread {
      case 0: new0
      case 1: new1
      case 2: new2
      default: thread
      }
    }
    func new(contents: Int) -> Int {
      contents >= Contents.current(0) ? Contents.current(new(contents &- 4)) : contents
    }
    var world = self
    for thread in 0..<World.threads {
      let shift = UInt64(10 &* new(thread))
      world.bits = world.bits & ~(0x3FF &<< shift) | (bits &>> UInt64(10 &* thread) & 0x3FF) &<< shift
      world[thread: new(thread), .area] = new(contents: self[thread: thread, .area])
    }
    for cpu in 0..<World.cpus {
      world[cpu: cpu, .current] = new(self[cpu: cpu, .current])
      world[cpu: cpu, .owner] = new(self[cpu: cpu, .owner])
      world[cpu: cpu, .registers] = new(contents: self[cpu: cpu, .registers])
      world[cpu: cpu, .rights] = new(self[cpu: cpu, .rights])
    }
    return world
  }
}
