/// When FPU state is saved, loaded, skipped and dropped: the whole decision, for one CPU at a time.
///
/// Each function is one row of the contract in `README.md` beside this file, and keeps this true:
///
/// > The registers of CPU c hold thread t's state if and only if `owner(c) == t` and `t.lastCPU == c`.
///
/// It knows no instruction. Every function needs interrupts disabled, and so cannot be preempted: the owner
/// that it reads stays the owner until it returns. Nobody may keep the owner across anything that can
/// reschedule.
public struct FPUPolicy<Machine: FPUMachine> {
  public typealias Thread = Machine.Thread

  public let machine: Machine
  /// Read where it is needed: a copy held in a register costs the common path an instruction.
  @inline(__always)
  public var strategy: FPUStrategy { machine.strategy }

  /// In lazy mode a thread whose registers were live in more than this many slices in a row is loaded
  /// ahead: the trap would come anyhow.
  public static var slicesBeforeLoadAhead: UInt8 { 5 }

  @inline(__always)
  public init(machine: Machine) {
    self.machine = machine
  }

  /// Whether this CPU's registers hold the thread's state.
  @inline(__always)
  public func registersHold(_ thread: Thread) -> Bool {
    machine.isOwner(thread) && machine.isCurrentCPU(machine.state(of: thread).pointee.lastCPU)
  }

  /// Makes the registers hold the thread's state, and the thread their owner.
  ///
  /// Of the rows of the contract that load, each comes through here.
  @inline(__always)
  func load(_ thread: Thread) -> FPULoadOutcome {
    let state = machine.state(of: thread)
    // First, beside the request for the load that the caller has taken back.
    state.pointee.isLive = true
    count(.load, state)
    guard _fastPath(registersHold(thread)) else { return restore(thread) }
    count(.restoreSkipped, state)
    return .skipped
  }

  /// The slow half of `load`.
  @inline(never)
  private func restore(_ thread: Thread) -> FPULoadOutcome {
    let state = machine.state(of: thread)
    // Whatever happens from here on, the registers are no longer the old owner's.
    machine.owner = thread
    state.pointee.lastCPU = machine.currentCPU
    if machine.restore(thread) {
      count(.restore, state)
      return .restored
    }
    // A restore that faulted may have changed some registers and left another thread's state in the rest.
    count(.restoreFailed, state)
    count(.initialStateLoad, state)
    machine.resetArea(of: thread)
    machine.loadInitialState()
    return .faulted
  }

  /// Gives up what this CPU's registers hold, so that nobody skips a restore on their account.
  @inline(__always)
  func dropOwner() {
    machine.owner = nil
  }

  /// Has a thread's state loaded before its next user-mode instruction that can see it.
  ///
  /// The deferred load serves the eager strategy too where the registers were given up outside a switch.
  @inline(__always)
  func arrangeLoad(_ thread: Thread) {
    if strategy == .lazy {
      // One of the two only: a thread that was stopped under another strategy may still have a load
      // requested, which would restore with CR0.TS set.
      machine.state(of: thread).pointee.isLive = false
      machine.cancelLoadOnReturn(thread)
      machine.trapsOnUse = true
    } else {
      arrangeLoadOnReturn(thread)
    }
  }

  @inline(__always)
  func arrangeLoadOnReturn(_ thread: Thread) {
    machine.state(of: thread).pointee.isLive = false
    machine.requestLoadOnReturn(thread)
  }

  @inline(__always)
  func count(_ event: FPUEvent, _ state: UnsafeMutablePointer<FPUThreadState>) {
    machine.count(event)
    state.pointee.counters[event] &+= 1
  }
}

/// What became of a thread's need to have its state in the registers.
public enum FPULoadOutcome: Sendable {
  /// The registers held it already.
  case skipped
  /// It was read from the thread's area.
  case restored
  /// The area could not be restored: the thread has the initial state now, and is to get SIGSEGV.
  case faulted
}
