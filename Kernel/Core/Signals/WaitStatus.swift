/// How a process ended, stopped or went on, as wait4(2) reports it.
public enum WaitStatus {
  public static func exited(_ code: UInt8) -> Int32 { Int32(code) << 8 }
  public static func killed(by signal: Signal) -> Int32 { Int32(signal.rawValue) }
  public static func stopped(by signal: Signal) -> Int32 { Int32(signal.rawValue) << 8 | 0x7F }
  public static var continued: Int32 { 0xFFFF }
  /// Set beside the signal where a core was written (WCOREDUMP).
  public static var coreDumped: Int32 { 0x80 }

  /// `si_code` and `si_status` of SIGCHLD and waitid(2) for a status.
  public static func childInformation(_ status: Int32) -> (code: Int32, status: Int32) {
    if status == continued { return (SignalCode.childContinued, Int32(Signal.continue.rawValue)) }
    if status & 0xFF == 0x7F { return (SignalCode.childStopped, status >> 8 & 0xFF) }
    if status & 0x7F == 0 { return (SignalCode.childExited, status >> 8 & 0xFF) }
    return (status & 0x80 != 0 ? SignalCode.childDumpedCore : SignalCode.childKilled, status & 0x7F)
  }
}
