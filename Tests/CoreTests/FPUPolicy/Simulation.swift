import Core

/// Performs one event at a time on a world, through the policy's own source.
final class Simulation {
  let hasProtectionKeys: Bool
  /// Whether the count of slices matters: it does in lazy mode.
  let tracksSlices: Bool

  var world = World()
  /// The world in which the present event began.
  var before = World()
  /// The first thing that went wrong in the present event.
  private(set) var violation = Violation.none
  /// The policy's records of the five threads, valid during an event.
  let records: UnsafeMutablePointer<FPUThreadState>
  /// How often each operation was called in the present event.
  let calls: UnsafeMutablePointer<UInt8>
  /// What was counted in the present event.
  let counted: UnsafeMutablePointer<UInt8>
  /// The thread whose restore faulted in the present event.
  private(set) var faulted: Int?
  /// Whether the policy told so.
  var faultReported = false

  /// The count of slices of the thread that is switched out.
  var slicesBefore: UInt8 = 0

  /// The lines that are taken out.
  let mutations: [Mutation]
  private let mutatedKinds: UInt32
  private var droppedOperation = -1
  private var droppedCall = 0
  private(set) var ignoresFault = false
  private(set) var ignoresOpenSection = false
  private(set) var assumesTrap = false
  /// The owner that the policy reads in place of the real one; -1 is none.
  private(set) var ownerOverride: Int?

  /// Every effect seen: the mutations that can be made of it.
  private(set) var effects = Set<Mutation>()
  private let mostCalls: UnsafeMutablePointer<UInt8>
  private let fieldsSeen: UnsafeMutablePointer<Bool>
  private var kindNumber = 0

  static let operations = Operation.allCases.count

  init(hasProtectionKeys: Bool = false, tracksSlices: Bool, mutations: [Mutation] = []) {
    self.hasProtectionKeys = hasProtectionKeys
    self.tracksSlices = tracksSlices
    self.mutations = mutations
    mutatedKinds = mutations.reduce(0) { $0 | 1 << UInt32($1.kind.rawValue) }
    records = .allocate(capacity: 5)
    for thread in 0..<5 {
      (records + thread).initialize(
        to: FPUThreadState(isKernelThread: thread >= World.threads, protectionKeyRights: 3))
    }
    calls = .allocate(capacity: Self.operations)
    counted = .allocate(capacity: 8)
    mostCalls = .allocate(capacity: 32 * Self.operations)
    mostCalls.initialize(repeating: 0, count: 32 * Self.operations)
    fieldsSeen = .allocate(capacity: 32 * 8)
    fieldsSeen.initialize(repeating: false, count: 32 * 8)
  }

  deinit {
    records.deallocate()
    calls.deallocate()
    counted.deallocate()
    mostCalls.deallocate()
    fieldsSeen.deallocate()
  }

  /// Keeps the first finding, and one that harms data rather than one that does not.
  func report(_ found: Violation) {
    if violation == .none || found.isUnsafe && !violation.isUnsafe { violation = found }
  }

  /// Counts the call. False where the mutation under test takes its effect out.
  func performs(_ operation: Operation) -> Bool {
    let number = Int(operation.rawValue)
    let call = calls[number]
    calls[number] = call &+ 1
    if mutatedKinds != 0 { return !(droppedOperation == number && droppedCall == Int(call)) }
    if mostCalls[kindNumber &* Self.operations &+ number] <= call {
      mostCalls[kindNumber &* Self.operations &+ number] = call &+ 1
      effects.insert(.drop(EventKind(rawValue: UInt8(kindNumber))!, operation, call: Int(call)))
    }
    return true
  }

  /// Whether `mutations` changes events of a kind.
  func mutates(_ kindNumber: Int) -> Bool { mutatedKinds &>> UInt32(kindNumber) & 1 == 1 }

  /// A restore that the contract skips costs time for nothing.
  func noteRestore(of thread: Int, on cpu: Int) {
    if thread >= World.threads { return report(.ownerIsKernelThread) }
    if before[cpu: cpu, .owner] == thread, before[thread: thread, .lastCPU] == cpu + 1 {
      report(.needlessRestore)
    }
  }

  /// From here on the initial state is what the thread has to find.
  func noteFault(of thread: Int) {
    world.makeStale(thread)
    faulted = thread
  }

  func policy(on cpu: Int) -> FPUPolicy<SimulatedMachine> {
    FPUPolicy(machine: SimulatedMachine(simulation: self, cpu: cpu))
  }

  /// Performs the event and says what it did wrong, in the event itself or in the world that it leaves.
  func perform(_ event: Event, on start: World) -> Violation {
    world = start
    before = start
    violation = .none
    faulted = nil
    faultReported = false
    slicesBefore = 0
    kindNumber = event.kindNumber
    calls.update(repeating: 0, count: Self.operations)
    counted.update(repeating: 0, count: 8)
    loadRecords()
    let kind = event.kind
    let first = thread(.current, event)
    let second = thread(.named, event)
    if mutates(kindNumber) { prepareMutations(kind, event) }
    step(kind, event)
    if mutates(kindNumber) {
      finishMutations(kind, event)
    } else if mutatedKinds == 0 {
      noteFields(of: first, .current, kind)
      noteFields(of: second, .named, kind)
    }
    storeRecords()
    checkEvent(kind, event)
    let found = world.violation(hasProtectionKeys: hasProtectionKeys)
    if found != .none { report(found) }
    return violation
  }

  /// The user thread of a role, or nil.
  func thread(_ role: Role, _ event: Event) -> Int? {
    let thread: Int
    switch role {
    case .current: thread = before[cpu: event.cpu, .current]
    case .named:
      if event.concernsThread {
        thread = event.argument
      } else if event.kind == .changeStrategy || event.kind == .changeSaveInstruction {
        thread = before[cpu: 1, .current]
      } else {
        return nil
      }
    }
    return thread == World.nobody ? nil : thread
  }

  private func loadRecords() {
    for thread in 0..<World.threads {
      let record = records + thread
      record.pointee.lastCPU = Int32(world[thread: thread, .lastCPU] &- 1)
      record.pointee.isLive = world[thread: thread, .isLive] == 1
      record.pointee.consecutiveSlices = world[thread: thread, .usesOften] == 1 ? 6 : 0
      record.pointee.protectionKeyRights =
        UInt32(world[thread: thread, .savedRights] == 1 ? thread : World.nobody)
    }
  }

  private func storeRecords() {
    for thread in 0..<World.threads where world[thread: thread, .isAlive] == 1 {
      let record = records + thread
      world[thread: thread, .lastCPU] = Int(record.pointee.lastCPU) + 1
      world[thread: thread, .isLive] = record.pointee.isLive ? 1 : 0
      let often = tracksSlices && record.pointee.consecutiveSlices > 5
      world[thread: thread, .usesOften] = often ? 1 : 0
      if hasProtectionKeys {
        world[thread: thread, .savedRights] = record.pointee.protectionKeyRights == UInt32(thread) ? 1 : 0
      }
    }
  }

  private func noteFields(of thread: Int?, _ role: Role, _ kind: EventKind) {
    guard let thread, before[thread: thread, .isAlive] == 1 || kind == .fork else { return }
    note(.lastCPU, world: .lastCPU, Int(records[thread].lastCPU) &+ 1, thread, role, kind)
    note(.isLive, world: .isLive, records[thread].isLive ? 1 : 0, thread, role, kind)
    note(
      .consecutiveSlices, world: .usesOften, Int(records[thread].consecutiveSlices) > 5 ? 1 : 0, thread, role,
      kind)
    // In these events the explorer itself makes the saved rights wrong.
    switch kind {
    case .writeRights, .startProgram, .beginHandler, .loadFrame, .loadPartialFrame, .loadFrameFaults,
      .debuggerWrites:
      return
    default: break
    }
    let rights = records[thread].protectionKeyRights == UInt32(thread) ? 1 : 0
    note(.protectionKeyRights, world: .savedRights, rights, thread, role, kind)
  }

  private func note(
    _ field: RecordField, world worldField: Field, _ value: Int, _ thread: Int, _ role: Role,
    _ kind: EventKind
  ) {
    if value == before[thread: thread, worldField] { return }
    let index = Int(kind.rawValue) * 8 + Int(field.rawValue) * 2 + Int(role.rawValue)
    if fieldsSeen[index] { return }
    fieldsSeen[index] = true
    effects.insert(.keep(kind, field, role))
  }
}

/// How a mutation changes an event.
extension Simulation {
  private func prepareMutations(_ kind: EventKind, _ event: Event) {
    droppedOperation = -1
    ignoresFault = false
    ignoresOpenSection = false
    assumesTrap = false
    ownerOverride = nil
    let subject = thread(.named, event) ?? thread(.current, event)
    for mutation in mutations where mutation.kind == kind {
      switch mutation {
      case .drop(_, let operation, let call):
        droppedOperation = Int(operation.rawValue)
        droppedCall = call
      case .keep: break
      case .ignoreFault: ignoresFault = true
      case .ignoreLastCPU: if let subject { records[subject].lastCPU = Int32(event.cpu) }
      case .ignoreOwner: ownerOverride = subject
      case .neverSkip: ownerOverride = -1
      case .assumeLive: if let current = thread(.current, event) { records[current].isLive = true }
      case .forgetOwner: world[cpu: event.cpu, .owner] = World.nobody
      case .ignoreOpenSection: ignoresOpenSection = true
      case .assumeTrap: assumesTrap = true
      }
    }
  }

  private func finishMutations(_ kind: EventKind, _ event: Event) {
    droppedOperation = -1
    ignoresFault = false
    ignoresOpenSection = false
    assumesTrap = false
    ownerOverride = nil
    for case .keep(kind, let field, let role) in mutations {
      guard let thread = thread(role, event) else { continue }
      switch field {
      case .lastCPU: records[thread].lastCPU = Int32(before[thread: thread, .lastCPU] - 1)
      case .isLive: records[thread].isLive = before[thread: thread, .isLive] == 1
      case .consecutiveSlices:
        records[thread].consecutiveSlices =
          kind == .startProgram ? before[thread: thread, .usesOften] == 1 ? 6 : 0 : slicesBefore
      case .protectionKeyRights:
        records[thread].protectionKeyRights =
          UInt32(before[thread: thread, .savedRights] == 1 ? thread : World.nobody)
      }
    }
  }
}
