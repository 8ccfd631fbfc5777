import Core
import Machine

/// The signals that a thread blocks, and its alternate stack.
extension SystemCalls {
  /// A set that a program gives, with Linux's errors.
  static func signalSet(at address: UInt64, size: UInt64) throws(Errno) -> SignalSet {
    guard size == signalSetSize else { throw .invalid }
    guard let set = UserMemory.load(SignalSet(), from: address) else { throw .badAddress }
    return set
  }

  /// rt_sigprocmask, as sigprocmask(2)
  static func rt_sigprocmask(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.fourth == signalSetSize else { throw .invalid }
    let thread = Scheduler.current
    let old = thread.pointee.signals.blocked
    if arguments.second != 0 {
      let set = try signalSet(at: arguments.second, size: arguments.fourth)
      let new: SignalSet
      switch Int32(truncatingIfNeeded: arguments.first) {
      case 0: new = old.union(set)  // SIG_BLOCK
      case 1: new = old.subtracting(set)  // SIG_UNBLOCK
      case 2: new = set  // SIG_SETMASK
      default: throw .invalid
      }
      SignalMask.set(new, of: thread)
    }
    if arguments.third != 0, !UserMemory.store(old, to: arguments.third) { throw .badAddress }
    return 0
  }

  /// rt_sigpending, as sigpending(2)
  static func rt_sigpending(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.second <= signalSetSize else { throw .invalid }
    let thread = Scheduler.current
    let process = thread.pointee.process!
    let pending = process.signalLock.withLock {
      thread.pointee.signals.pending.signals.union(process.signals.pending.signals)
        .intersection(thread.pointee.signals.blocked)
    }
    let isStored = withUnsafeBytes(of: pending) {
      UserMemory.copyOut($0.baseAddress!, to: arguments.first, count: Int(arguments.second))
    }
    guard isStored else { throw .badAddress }
    return 0
  }

  /// sigaltstack(2)
  static func sigaltstack(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let thread = Scheduler.current
    let stackPointer = arguments.frame.pointee.rsp
    let old = thread.pointee.signals.alternateStack
    if arguments.first != 0 {
      guard let request = UserMemory.load(AlternateSignalStack.none, from: arguments.first) else {
        throw .badAddress
      }
      do throws(AlternateSignalStack.Refusal) {
        thread.pointee.signals.alternateStack = try old.replaced(
          by: request, stackPointer: stackPointer)
      } catch {
        switch error {
        case .inUse: throw .notPermitted
        case .invalid: throw .invalid
        case .tooSmall: throw .outOfMemory
        }
      }
    }
    if arguments.second != 0, !UserMemory.store(old.reported(at: stackPointer), to: arguments.second) {
      throw .badAddress
    }
    return 0
  }
}
