import Core
import Testing

/// A row of the contract, and what becomes of the policy without a line that keeps it.
struct ContractRow: Sendable, CustomTestStringConvertible {
  let row: String
  let mutations: [Mutation]
  /// The number of the exploration, see `Explorations`.
  let exploration: Int
  /// Whether data leaks or is lost without the line; otherwise the row is only a promise about cost.
  let harmsData: Bool

  init(_ row: String, _ mutations: Mutation..., in exploration: Int, harmsData: Bool = true) {
    self.row = row
    self.mutations = mutations
    self.exploration = exploration
    self.harmsData = harmsData
  }

  var testDescription: String { "\(row): \(mutations)" }

  private static var eager: Int { 0 }
  private static var deferred: Int { 1 }
  private static var lazy: Int { 2 }
  private static var changing: Int { 3 }
  private static var rights: Int { 4 }
  private static var halves: Int { 6 }

  static let all: [ContractRow] = [
    .init("switch out, live: save", .drop(.switchToUserThread, .save, call: 0), in: deferred),
    .init("switch out, live: save", .drop(.switchToKernelThread, .save, call: 0), in: eager),
    .init(
      "switch out, live: the owner stays", .forgetOwner(.switchToKernelThread), in: deferred, harmsData: false
    ),
    .init("switch out, load deferred: nothing", .assumeLive(.switchToUserThread), in: deferred),
    .init(
      "switch in, deferred: the load is requested", .drop(.switchToUserThread, .requestLoadOnReturn, call: 0),
      in: deferred),
    .init("switch in, eager: restore", .drop(.switchToUserThread, .restore, call: 0), in: eager),
    .init(
      "switch in, eager: unless still valid", .neverSkip(.switchToUserThread), in: eager, harmsData: false),
    .init("switch in, lazy: set CR0.TS", .drop(.switchToUserThread, .setTrapsOnUse, call: 0), in: lazy),
    .init(
      "switch in, lazy: leave CR0.TS clear where still valid",
      .drop(.switchToUserThread, .clearTrapsOnUse, call: 0), in: lazy),
    .init(
      "switch in, lazy: load ahead after more than five slices",
      .keep(.switchToUserThread, .consecutiveSlices, .current), in: lazy, harmsData: false),
    .init("return to user mode: restore", .drop(.returnToUserMode, .restore, call: 0), in: deferred),
    .init("return to user mode: unless valid", .neverSkip(.returnToUserMode), in: deferred, harmsData: false),
    .init("a restore is skipped for the owner only", .ignoreOwner(.switchToUserThread), in: halves),
    .init("return to user mode: become owner", .drop(.returnToUserMode, .setOwner, call: 0), in: deferred),
    .init(
      "return to user mode: lastCPU = this CPU", .keep(.returnToUserMode, .lastCPU, .current), in: deferred),
    .init(
      "return to user mode: clear the flag", .drop(.returnToUserMode, .cancelLoadOnReturn, call: 0),
      in: deferred),
    .init("#NM, lazy: clear CR0.TS", .drop(.deviceNotAvailable, .clearTrapsOnUse, call: 0), in: lazy),
    .init("#NM, lazy: restore", .drop(.deviceNotAvailable, .restore, call: 0), in: lazy),
    .init("#NM, lazy: become owner", .drop(.deviceNotAvailable, .setOwner, call: 0), in: lazy),
    .init("#NM otherwise: the thread's fault", .assumeTrap(.ownDeviceFault), in: lazy),
    .init("section opens: save live registers", .drop(.openSection, .save, call: 0), in: deferred),
    .init("section opens: the registers are not live", .keep(.openSection, .isLive, .current), in: deferred),
    .init("section opens: owner = none", .drop(.openSection, .dropOwner, call: 0), in: deferred),
    .init(
      "section opens: clean MXCSR and FCW", .drop(.openSection, .loadInitialState, call: 0), in: deferred),
    .init("section opens: CR0.TS clear", .drop(.openSection, .clearTrapsOnUse, call: 0), in: lazy),
    .init("section opens: not inside another", .ignoreOpenSection(.openNestedSection), in: deferred),
    .init(
      "section opens: noted as open", .drop(.openSectionInInterrupt, .openSection, call: 0), in: deferred),
    .init(
      "section closes: nothing stays readable", .drop(.closeSection, .loadInitialState, call: 0), in: deferred
    ),
    .init("section closes: load again", .drop(.closeSection, .requestLoadOnReturn, call: 0), in: eager),
    .init(
      "section closes: noted as closed", .drop(.closeSection, .closeSection, call: 0), in: eager,
      harmsData: false),
    .init("fork: of the live registers", .drop(.fork, .save, call: 0), in: deferred),
    .init("fork: the child gets a copy", .drop(.fork, .copyArea, call: 0), in: deferred),
    .init("fork: the child gets the parent's PKRU", .keep(.fork, .protectionKeyRights, .named), in: rights),
    .init("exec: initial state", .drop(.startProgram, .resetArea, call: 0), in: deferred),
    .init("exec: ownership dropped", .keep(.startProgram, .lastCPU, .current), in: deferred),
    .init("exec: nothing is live", .keep(.startProgram, .isLive, .current), in: deferred),
    .init("exec: the new program's PKRU", .drop(.startProgram, .writeRights, call: 0), in: rights),
    .init("exit: no owner refers to it", .drop(.exit, .removeFromAllOwners, call: 0), in: deferred),
    .init("debugger writes: ownership dropped", .keep(.debuggerWrites, .lastCPU, .named), in: deferred),
    .init("signal return: ownership dropped", .keep(.signalReturn, .lastCPU, .current), in: deferred),
    .init("signal return: nothing is live", .keep(.signalReturn, .isLive, .current), in: eager),
    .init("handler begins: load for the frame", .drop(.beginHandler, .restore, call: 0), in: deferred),
    .init("handler begins: CR0.TS clear", .drop(.beginHandler, .clearTrapsOnUse, call: 0), in: lazy),
    .init("handler begins: initial state", .drop(.beginHandler, .loadInitialState, call: 0), in: eager),
    .init("handler begins: its PKRU", .drop(.beginHandler, .writeRights, call: 0), in: rights),
    // The owner kept from before a fault of the frame, in which the thread was switched out (CVE-2019-19602).
    .init("handler begins: what the registers hold is looked at anew", .assumeLive(.beginHandler), in: deferred),
    .init("frame is tried again: likewise", .assumeLive(.frameNotWritten), in: deferred),
    .init(
      "frame loads in part: the rest is initial", .drop(.loadPartialFrame, .loadInitialState, call: 0),
      in: deferred),
    .init("frame loads in part: become owner", .drop(.loadPartialFrame, .setOwner, call: 0), in: eager),
    .init("state is read: of the live registers", .drop(.readState, .save, call: 0), in: deferred),
    .init("frame loads: become owner", .drop(.loadFrame, .setOwner, call: 0), in: deferred),
    .init("frame loads: lastCPU = this CPU", .keep(.loadFrame, .lastCPU, .current), in: deferred),
    .init("frame loads: the registers are live", .keep(.loadFrame, .isLive, .current), in: deferred),
    .init("frame loads: CR0.TS clear", .drop(.loadFrame, .clearTrapsOnUse, call: 0), in: lazy),
    .init(
      "frame faults: initial state in the registers", .drop(.loadFrameFaults, .loadInitialState, call: 0),
      in: eager),
    .init("frame faults: SIGSEGV", .ignoreFault(.loadFrameFaults), in: deferred),
    .init(
      "restore faults: initial state in the registers", .drop(.returnToUserMode, .loadInitialState, call: 0),
      in: deferred),
    .init(
      "restore faults: initial state in the area", .drop(.switchToUserThread, .resetArea, call: 0),
      in: eager),
    .init("restore faults: SIGSEGV", .ignoreFault(.deviceNotAvailable), in: lazy),
    .init("migration: lastCPU differs", .ignoreLastCPU(.switchToUserThread), in: halves),
    .init("strategy changes: live registers are saved", .drop(.changeStrategy, .save, call: 0), in: changing),
    .init(
      "strategy changes: every owner given up", .drop(.changeStrategy, .dropOwner, call: 0), in: changing,
      harmsData: false),
    .init("strategy changes: CR0.TS clear", .drop(.changeStrategy, .clearTrapsOnUse, call: 0), in: changing),
    .init(
      "strategy changes: load again", .drop(.changeStrategy, .requestLoadOnReturn, call: 0), in: changing),
    .init(
      "strategy changes: a load requested before is taken back",
      .drop(.switchToUserThread, .cancelLoadOnReturn, call: 0), in: changing),
    .init("strategy changes: not inside a section", .ignoreOpenSection(.changeStrategy), in: changing),
    .init(
      "save instruction changes: live registers are saved",
      .drop(.changeSaveInstruction, .save, call: 0), in: lazy),
    .init("CPU goes offline: owner = none", .drop(.goOffline, .dropOwner, call: 0), in: deferred),
    .init("PKRU: loaded in the switch", .drop(.switchToUserThread, .writeRights, call: 0), in: rights),
    .init("PKRU: kept at switch out", .keep(.switchToUserThread, .protectionKeyRights, .current), in: rights),
    // Either of two lines is enough; without both, data is wrong.
    .init(
      "signal return: lastCPU and owner, neither dropped", .keep(.signalReturn, .lastCPU, .current),
      .drop(.signalReturn, .dropOwner, call: 0), in: deferred),
  ]
}

/// Lines that may be taken out unnoticed, each with the reason why it is there all the same.
enum RedundantEffects {
  static let reasons: [String: String] = [
    "signalReturn: dropOwner does nothing": ownership,
    "signalReturnWritesGarbage: dropOwner does nothing": ownership,
    "signalReturn: cancelLoadOnReturn does nothing": arrangement,
    "signalReturnWritesGarbage: cancelLoadOnReturn does nothing": arrangement,
    "startProgram: cancelLoadOnReturn does nothing": arrangement,
    "beginHandler: cancelLoadOnReturn does nothing": spared,
    "frameNotWritten: cancelLoadOnReturn does nothing": spared,
    "loadFrame: cancelLoadOnReturn does nothing": spared,
    "loadPartialFrame: cancelLoadOnReturn does nothing": spared,
    "loadFrameFaults: cancelLoadOnReturn does nothing": spared,
    "changeSaveInstruction: cancelLoadOnReturn does nothing": arrangement,
    "changeSaveInstruction: cancelLoadOnReturn (call 2) does nothing": arrangement,
    "changeSaveInstruction: clearTrapsOnUse does nothing": sameStrategy,
    "changeSaveInstruction: clearTrapsOnUse (call 2) does nothing": sameStrategy,
  ]

  private static var ownership: String {
    "lastCPU = none alone already invalidates; the contract asks for both, so that no half stays behind"
  }
  private static var spared: String {
    "a load that stays requested finds the registers in place: the way back to user mode is spared it"
  }
  private static var arrangement: String {
    "one line for every caller; the first load after a change of strategy needs it"
  }
  private static var sameStrategy: String { "one line for every change; a change away from lazy needs it" }
}
