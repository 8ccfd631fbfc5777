import Core

/// One CPU of a simulation, as the policy sees it.
///
/// Each operation is performed on the packed world, unless the mutation under test takes it out.
struct SimulatedMachine: FPUMachine {
  /// 0 to 2 are user threads, 3 and 4 the idle threads of CPU 0 and 1.
  typealias Thread = Int

  let simulation: Simulation
  let cpu: Int

  var strategy: FPUStrategy { simulation.world.strategy }
  var currentCPU: Int32 { Int32(cpu) }

  var currentThread: Int {
    let current = simulation.world[cpu: cpu, .current]
    return current == World.nobody ? World.nobody + cpu : current
  }

  var owner: Int? {
    get {
      if let override = simulation.ownerOverride { return override < 0 ? nil : override }
      let owner = simulation.world[cpu: cpu, .owner]
      return owner == World.nobody ? nil : owner
    }
    nonmutating set {
      guard simulation.performs(newValue == nil ? .dropOwner : .setOwner) else { return }
      if let newValue, newValue >= World.nobody { return simulation.report(.ownerIsKernelThread) }
      simulation.world[cpu: cpu, .owner] = newValue ?? World.nobody
    }
  }

  var isKernelSectionOpen: Bool {
    get { !simulation.ignoresOpenSection && simulation.world[cpu: cpu, .sectionFlag] == 1 }
    nonmutating set {
      guard simulation.performs(newValue ? .openSection : .closeSection) else { return }
      simulation.world[cpu: cpu, .sectionFlag] = newValue ? 1 : 0
    }
  }

  var trapsOnUse: Bool {
    get { simulation.assumesTrap || simulation.world[cpu: cpu, .trapsOnUse] == 1 }
    nonmutating set {
      guard simulation.performs(newValue ? .setTrapsOnUse : .clearTrapsOnUse) else { return }
      simulation.world[cpu: cpu, .trapsOnUse] = newValue ? 1 : 0
    }
  }

  func state(of thread: Int) -> UnsafeMutablePointer<FPUThreadState> { simulation.records + thread }

  func requestLoadOnReturn(_ thread: Int) {
    guard simulation.performs(.requestLoadOnReturn), thread < World.threads else { return }
    simulation.world[thread: thread, .loadOnReturn] = 1
  }

  func cancelLoadOnReturn(_ thread: Int) {
    guard simulation.performs(.cancelLoadOnReturn), thread < World.threads else { return }
    simulation.world[thread: thread, .loadOnReturn] = 0
  }

  /// With CR0.TS set the instruction raises #NM, in the kernel.
  private func executesInstruction() {
    if simulation.world[cpu: cpu, .trapsOnUse] == 1 { simulation.report(.instructionTrapsInKernel) }
  }

  /// A save does not mend a malformed area: XSAVE writes neither XCOMP_BV nor the header's reserved bytes.
  func save(_ thread: Int) {
    guard simulation.performs(.save) else { return }
    executesInstruction()
    guard thread < World.threads else { return simulation.report(.stateLost) }
    if simulation.world[thread: thread, .area] == Contents.garbage { return }
    simulation.world[thread: thread, .area] = simulation.world[cpu: cpu, .registers]
  }

  func restore(_ thread: Int) -> Bool {
    guard simulation.performs(.restore) else { return true }
    executesInstruction()
    simulation.noteRestore(of: thread, on: cpu)
    guard thread < World.threads else { return true }
    let area = simulation.world[thread: thread, .area]
    simulation.world[cpu: cpu, .registers] = area
    guard area == Contents.garbage else { return true }
    simulation.noteFault(of: thread)
    return simulation.ignoresFault
  }

  /// A restore from a signal frame, which brings PKRU along.
  func restoreFrame(of thread: Int, faults: Bool) -> Bool {
    guard simulation.performs(.restore) else { return true }
    executesInstruction()
    guard !faults else {
      simulation.world[cpu: cpu, .registers] = Contents.garbage
      simulation.noteFault(of: thread)
      return simulation.ignoresFault
    }
    simulation.world[cpu: cpu, .registers] = Contents.current(thread)
    if hasProtectionKeys { simulation.world[cpu: cpu, .rights] = thread }
    return true
  }

  func loadInitialState() {
    guard simulation.performs(.loadInitialState) else { return }
    executesInstruction()
    simulation.world[cpu: cpu, .registers] = Contents.initial
  }

  func resetArea(of thread: Int) {
    guard simulation.performs(.resetArea), thread < World.threads else { return }
    simulation.world[thread: thread, .area] = Contents.initial
  }

  func copyArea(from source: Int, to destination: Int) {
    guard simulation.performs(.copyArea) else { return }
    simulation.world[thread: destination, .area] = simulation.world[thread: source, .area]
  }

  func removeFromAllOwners(_ thread: Int) {
    guard simulation.performs(.removeFromAllOwners) else { return }
    for cpu in 0..<World.cpus where simulation.world[cpu: cpu, .owner] == thread {
      simulation.world[cpu: cpu, .owner] = World.nobody
    }
  }

  var hasProtectionKeys: Bool { simulation.hasProtectionKeys }

  /// Thread t's present rights are the number t; `World.nobody` stands for any others.
  var protectionKeyRights: UInt32 {
    get { UInt32(simulation.world[cpu: cpu, .rights]) }
    nonmutating set {
      guard simulation.performs(.writeRights) else { return }
      simulation.world[cpu: cpu, .rights] = Int(newValue)
    }
  }

  func count(_ event: FPUEvent) {
    let operation = Operation(rawValue: Operation.countSave.rawValue + countOrder(event))!
    if simulation.performs(operation) { simulation.counted[event.rawValue] += 1 }
  }

  private func countOrder(_ event: FPUEvent) -> UInt8 {
    switch event {
    case .save: 0
    case .load: 1
    case .restore: 2
    case .restoreSkipped: 3
    case .restoreFailed: 4
    case .notAvailableTrap: 5
    case .initialStateLoad: 6
    case .kernelSection: 7
    }
  }
}
