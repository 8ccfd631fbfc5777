import Core
import Machine

/// Linux's numbers of the signals that the kernel sends itself.
public enum Signal: UInt8, Sendable {
  case illegalInstruction = 4
  case trap = 5
  case bus = 7
  case floatingPoint = 8
  case kill = 9
  case segmentationFault = 11
  case brokenPipe = 13
  case terminate = 15

  var name: StaticString {
    switch self {
    case .illegalInstruction: "SIGILL"
    case .trap: "SIGTRAP"
    case .bus: "SIGBUS"
    case .floatingPoint: "SIGFPE"
    case .kill: "SIGKILL"
    case .segmentationFault: "SIGSEGV"
    case .brokenPipe: "SIGPIPE"
    case .terminate: "SIGTERM"
    }
  }
}

/// Signals with their default action: they end the program.
enum Signals {
  /// A thread has earned a signal: its whole program ends. By the CPU that runs or is about to run it.
  static func post(_ signal: Signal, to thread: ThreadPointer) {
    thread.pointee.pendingSignal = signal.rawValue
    thread.pointee.head.hasSignal = 1
  }

  /// Has a thread look for what it is to do before its next user-mode instruction, and ends its waits.
  static func notify(_ thread: ThreadPointer) {
    thread.pointee.head.hasSignal = 1
    Scheduler.wake(thread)
    Scheduler.interruptIfRunning(thread)
  }

  /// On the way back to user mode with `hasSignal` set. Interrupts are enabled and no lock is held.
  static func deliver() {
    let thread = Scheduler.current
    thread.pointee.head.hasSignal = 0
    // Whoever sets the flag has stored the reason before. Without the fence this CPU could read the reason
    // while its own store of 0 waits, and then overwrite the flag of a signal that it has not seen.
    memoryFence()
    let pending = thread.pointee.pendingSignal
    thread.pointee.pendingSignal = 0
    if isToEnd(thread, pending) { Exit.endThread() }
  }

  /// In a function of its own: no reference to the process may be left where `endThread` does not return.
  @inline(never)
  private static func isToEnd(_ thread: ThreadPointer, _ pending: UInt8) -> Bool {
    guard let process = thread.pointee.process else { return false }
    if pending != 0 { process.exit(status: Int32(pending)) }
    return process.isExiting.load() != 0 || thread.pointee.isToEnd
  }
}
