import Core

/// What can happen, one kind for each row of the contract or for what lies between the rows.
enum EventKind: UInt8, CaseIterable {
  case switchToUserThread, switchToKernelThread
  case returnToUserMode, enterKernel
  case compute, deviceNotAvailable, ownDeviceFault
  case writeRights
  case openSection, openSectionInInterrupt, openNestedSection, computeInSection, closeSection
  case fork, create, startProgram, exit
  case debuggerWrites, signalReturn, signalReturnWritesGarbage, corruptArea
  case beginHandler, frameNotWritten, loadFrame, loadPartialFrame, loadFrameFaults
  case readState
  case changeSaveInstruction, changeStrategy
  case goOffline, comeOnline
}

/// How many slices in a row had live registers when a thread is switched out. The world keeps one bit of the
/// count, so the step across the threshold and the wrap-around are choices of the explorer.
enum Slices {
  static var few: Int { 0 }
  static var crossesThreshold: Int { 1 }
  static var wraps: Int { 2 }
}

/// One event: what, on which CPU, with which thread or strategy, and which choice of `Slices`.
struct Event: Hashable, CustomStringConvertible {
  let code: UInt16

  init(_ kind: EventKind, cpu: Int = 0, _ argument: Int = 0, slices: Int = 0) {
    code = UInt16(kind.rawValue) | UInt16(cpu) << 5 | UInt16(argument) << 6 | UInt16(slices) << 8
  }

  init(code: UInt16) { self.code = code }

  var kindNumber: Int { Int(code & 31) }
  var kind: EventKind { EventKind(rawValue: UInt8(code & 31))! }
  var cpu: Int { Int(code &>> 5 & 1) }
  /// A thread, or a strategy's raw value.
  var argument: Int { Int(code &>> 6 & 3) }
  var slices: Int { Int(code &>> 8 & 3) }

  /// Whether the argument is a thread.
  var concernsThread: Bool {
    switch kind {
    case .switchToUserThread, .fork, .create, .exit, .debuggerWrites, .corruptArea: true
    default: false
    }
  }

  var description: String {
    let history =
      slices == Slices.crossesThreshold
      ? " (after six slices in a row)" : slices == Slices.wraps ? " (the count of slices wraps)" : ""
    return switch kind {
    case .switchToUserThread: "CPU \(cpu) switches to thread \(argument)\(history)"
    case .switchToKernelThread: "CPU \(cpu) switches to its kernel thread\(history)"
    case .returnToUserMode: "CPU \(cpu) returns to user mode"
    case .enterKernel: "CPU \(cpu) enters the kernel"
    case .compute: "CPU \(cpu)'s thread computes"
    case .deviceNotAvailable: "#NM on CPU \(cpu)"
    case .ownDeviceFault: "#NM on CPU \(cpu) without CR0.TS"
    case .writeRights: "CPU \(cpu)'s thread writes PKRU"
    case .openSection: "CPU \(cpu) opens a kernel section"
    case .openSectionInInterrupt: "an interrupt on CPU \(cpu) opens a kernel section"
    case .openNestedSection: "CPU \(cpu) tries to open a second section"
    case .computeInSection: "CPU \(cpu) computes in its section"
    case .closeSection: "CPU \(cpu) closes its section"
    case .fork: "CPU \(cpu)'s thread forks thread \(argument)"
    case .create: "thread \(argument) is created"
    case .startProgram: "CPU \(cpu)'s thread starts a program"
    case .exit: "thread \(argument) ends"
    case .debuggerWrites: "a debugger writes thread \(argument)"
    case .signalReturn: "CPU \(cpu)'s thread returns from a signal"
    case .signalReturnWritesGarbage: "CPU \(cpu)'s signal return leaves a malformed area"
    case .beginHandler: "CPU \(cpu)'s thread begins a signal handler"
    case .frameNotWritten: "the frame of CPU \(cpu)'s thread cannot be written"
    case .loadFrame: "CPU \(cpu)'s thread loads its signal frame"
    case .loadPartialFrame: "CPU \(cpu)'s thread loads a signal frame with some of the components"
    case .readState: "the state of CPU \(cpu)'s thread is read"
    case .loadFrameFaults: "the signal frame of CPU \(cpu)'s thread faults"
    case .corruptArea: "the area of thread \(argument) becomes malformed"
    case .changeSaveInstruction: "the save instruction changes"
    case .changeStrategy: "the strategy changes to \(FPUStrategy(rawValue: UInt8(argument))!.name)"
    case .goOffline: "CPU \(cpu) goes offline"
    case .comeOnline: "CPU \(cpu) comes online"
    }
  }
}
