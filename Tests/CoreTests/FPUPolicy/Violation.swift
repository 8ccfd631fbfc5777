/// What an event or a state can do wrong. Those up to `swallowedFault` let data leak or get lost; the others
/// break a row of the contract without harm to anyone's data.
enum Violation: UInt8 {
  case none
  case instructionTrapsInKernel
  case ownerIsKernelThread
  case ownerIsDead
  case ownerWithoutItsState
  case ownedWithoutRestore
  case liveWithoutItsState
  case liveWithoutOwnership
  case stateLost
  case runsOnForeignRegisters
  case runsOnForeignRights
  case rightsLost
  case kernelDataOutsideSection
  case foreignStateInSection
  case ownerInSection
  case loadStillRequestedInUserMode
  case trapWithoutLazyStrategy
  case faultNotReported
  case noInitialStateAfterFault
  case forkCopiedWrongState
  case forkCopiedWrongRights
  case programWithoutInitialState
  case frameShowsWrongState
  case foreignStateBesideFrame
  case readsStaleState
  case nestedSectionAllowed
  case swallowedFault

  case needlessRestore
  case needlessTrap
  case loadedInKernel
  case notLoadedInSwitch
  case notLoadedAhead
  case ownerLostInSwitch
  case slicesMiscounted
  case lastCPUInherited
  case programKeepsOwner
  case countersDisagree
  case sectionFlagWrong

  /// Whether a thread's data or the kernel's is wrong, lost or seen by another.
  var isUnsafe: Bool { self != .none && rawValue <= Violation.swallowedFault.rawValue }

  var text: String {
    switch self {
    case .none: "nothing"
    case .instructionTrapsInKernel: "the kernel executes an FPU instruction with CR0.TS set"
    case .ownerIsKernelThread: "a kernel thread owns the registers"
    case .ownerIsDead: "a CPU's owner is a thread that has ended"
    case .ownerWithoutItsState: "owner and lastCPU agree, but the registers hold something else"
    case .ownedWithoutRestore: "owner and lastCPU are not written together"
    case .liveWithoutItsState: "a thread is live on registers that hold something else"
    case .liveWithoutOwnership: "a thread is live on registers that it does not own"
    case .stateLost: "a thread's state is neither in registers that are live nor in its area"
    case .runsOnForeignRegisters:
      "a thread runs in user mode on registers that are not its own: data, MXCSR, pending exception"
    case .runsOnForeignRights: "a thread runs with another's protection-key rights"
    case .rightsLost: "a thread's protection-key rights are lost"
    case .kernelDataOutsideSection: "kernel data is in the registers outside a section"
    case .foreignStateInSection:
      "the kernel computes with a thread's MXCSR and would take its pending exception"
    case .ownerInSection: "the registers have an owner while the kernel uses them"
    case .loadStillRequestedInUserMode: "a load is still requested in user mode"
    case .trapWithoutLazyStrategy: "CR0.TS is set in user mode without the lazy strategy"
    case .faultNotReported: "a restore faulted and the thread is not told"
    case .noInitialStateAfterFault: "after a fault the thread does not have the initial state"
    case .forkCopiedWrongState: "the child does not get what the parent's registers hold"
    case .forkCopiedWrongRights: "the child does not get the parent's protection-key rights"
    case .programWithoutInitialState: "a new program does not start in the initial state"
    case .frameShowsWrongState: "a signal frame shows what is not the thread's state"
    case .foreignStateBesideFrame: "components that a frame does not hold keep what was in the registers"
    case .readsStaleState: "what is read of a thread's state is older than its registers"
    case .nestedSectionAllowed: "a section is opened inside a section"
    case .swallowedFault: "a fault of the thread's own is taken for the policy's"
    case .needlessRestore: "a restore although the registers hold the state"
    case .needlessTrap: "#NM lies ahead although the registers hold the state"
    case .loadedInKernel: "the deferred strategy loads in the switch"
    case .notLoadedInSwitch: "the eager strategy does not load in the switch"
    case .notLoadedAhead: "a thread that uses the FPU in each slice is not loaded ahead"
    case .ownerLostInSwitch: "the owner does not survive a switch that loads nothing"
    case .slicesMiscounted: "the count of slices in a row is wrong"
    case .lastCPUInherited: "a new thread has a last CPU"
    case .programKeepsOwner: "the ownership is not dropped"
    case .countersDisagree: "the counters disagree with what was done"
    case .sectionFlagWrong: "the section's flag does not tell whether a section is open"
    }
  }
}
