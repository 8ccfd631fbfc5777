/// What becomes of a system call that a signal has interrupted (signal(7)).
public enum SystemCallRestart: Sendable {
  /// It returns what it returns.
  case none
  /// It fails with EINTR.
  case interrupted
  /// It is made again with the same arguments.
  case again
  /// It goes on as restart_syscall(2).
  case resumed

  /// The number of restart_syscall(2).
  public static var resumingCall: UInt64 { 219 }
  /// The length in bytes of the instruction that makes a system call.
  public static var instructionLength: UInt64 { 2 }

  /// - Parameters:
  ///   - result: RAX as the call has left it.
  ///   - handler: the flags of the handler that is about to run; nil where none is.
  public static func decide(result: UInt64, handler: SignalActionFlags?) -> SystemCallRestart {
    switch Int64(bitPattern: result) {
    case -512:  // ERESTARTSYS
      guard let handler else { return .again }
      return handler.contains(.restart) ? .again : .interrupted
    case -513:  // ERESTARTNOINTR
      return .again
    case -514:  // ERESTARTNOHAND
      return handler == nil ? .again : .interrupted
    case -516:  // ERESTART_RESTARTBLOCK
      return handler == nil ? .resumed : .interrupted
    default:
      return .none
    }
  }
}
