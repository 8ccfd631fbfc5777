/// The operations of the machine whose effect a mutation can take out.
enum Operation: UInt8, CaseIterable {
  case setOwner, dropOwner
  case openSection, closeSection
  case setTrapsOnUse, clearTrapsOnUse
  case requestLoadOnReturn, cancelLoadOnReturn
  case save, restore, loadInitialState, resetArea, copyArea, removeFromAllOwners
  case writeRights
  case countSave, countLoad, countRestore, countRestoreSkipped, countRestoreFailed
  case countNotAvailableTrap, countInitialStateLoad, countKernelSection
}

/// The fields of `FPUThreadState` that the policy writes.
enum RecordField: UInt8, CaseIterable {
  case lastCPU, isLive, consecutiveSlices, protectionKeyRights
}

/// Whose record: the thread that the CPU runs when the event begins, or the thread that the event names. Of a
/// change on all CPUs: CPU 0's and CPU 1's thread.
enum Role: UInt8, CaseIterable {
  case current, named
}

/// One line of the policy taken out.
enum Mutation: Hashable, CustomStringConvertible {
  /// In events of this kind, this call (counted from 0) of the operation does nothing.
  case drop(EventKind, Operation, call: Int)
  /// Events of this kind leave the field of the record as it was.
  case keep(EventKind, RecordField, Role)
  /// In events of this kind a restore that faults reports success.
  case ignoreFault(EventKind)
  /// In events of this kind the comparison of `lastCPU` with this CPU is taken out.
  case ignoreLastCPU(EventKind)
  /// In events of this kind the comparison of the owner with the thread is taken out.
  case ignoreOwner(EventKind)
  /// In events of this kind a restore is never skipped.
  case neverSkip(EventKind)
  /// In events of this kind the current thread's registers are taken for live.
  case assumeLive(EventKind)
  /// In events of this kind an owner is dropped that should stay.
  case forgetOwner(EventKind)
  /// In events of this kind an open section is not noticed.
  case ignoreOpenSection(EventKind)
  /// In events of this kind CR0.TS is taken for set.
  case assumeTrap(EventKind)

  var kind: EventKind {
    switch self {
    case .drop(let kind, _, _), .keep(let kind, _, _), .ignoreFault(let kind), .ignoreLastCPU(let kind),
      .ignoreOwner(let kind), .neverSkip(let kind), .assumeLive(let kind), .forgetOwner(let kind),
      .ignoreOpenSection(let kind), .assumeTrap(let kind):
      kind
    }
  }

  var description: String {
    switch self {
    case .drop(let kind, let operation, let call):
      "\(kind): \(operation)\(call == 0 ? "" : " (call \(call + 1))") does nothing"
    case .keep(let kind, let field, let role): "\(kind): \(field) of the \(role) thread is not written"
    case .ignoreFault(let kind): "\(kind): a fault of the restore is ignored"
    case .ignoreLastCPU(let kind): "\(kind): lastCPU is not compared"
    case .ignoreOwner(let kind): "\(kind): the owner is not compared"
    case .neverSkip(let kind): "\(kind): a restore is never skipped"
    case .assumeLive(let kind): "\(kind): the registers are always taken for live"
    case .forgetOwner(let kind): "\(kind): the owner is dropped"
    case .ignoreOpenSection(let kind): "\(kind): an open section is not noticed"
    case .assumeTrap(let kind): "\(kind): CR0.TS is taken for set"
    }
  }
}
