/// A set of signals, as programs lay it out: signal n is bit n - 1.
public struct SignalSet: OptionSet, BitwiseCopyable, Sendable {
  public var rawValue: UInt64

  @inline(__always)
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The set with this signal only.
  @inline(__always)
  public init(_ signal: Signal) { rawValue = 1 << (UInt64(signal.rawValue) &- 1) }

  @inline(__always)
  public func contains(_ signal: Signal) -> Bool { contains(SignalSet(signal)) }

  /// Each of its members, in order of their numbers.
  public func forEach(_ body: (Signal) -> Void) {
    var rest = rawValue
    while rest != 0 {
      body(Signal(unchecked: rest.trailingZeroBitCount &+ 1))
      rest &= rest &- 1
    }
  }

  // The sets below are written as bits, so that each is a constant.

  /// SIGKILL and SIGSTOP: never blocked, caught or ignored.
  public static var unblockable: SignalSet { SignalSet(rawValue: 1 << 8 | 1 << 18) }
  /// SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU.
  public static var stops: SignalSet { SignalSet(rawValue: 1 << 18 | 1 << 19 | 1 << 20 | 1 << 21) }
  /// SIGCHLD, SIGURG, SIGWINCH. SIGCONT, which is ignored too by who runs, has an action of its own.
  public static var ignoredByDefault: SignalSet { SignalSet(rawValue: 1 << 16 | 1 << 22 | 1 << 27) }
  /// SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS.
  public static var dumpsCore: SignalSet {
    SignalSet(rawValue: 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 10 | 1 << 23 | 1 << 24 | 1 << 30)
  }
  /// What an instruction earns: SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS. Taken before any other, so that
  /// their handlers find the registers of that instruction.
  public static var synchronous: SignalSet {
    SignalSet(rawValue: 1 << 10 | 1 << 6 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 30)
  }

  /// The member that is delivered first: a synchronous one, else the one with the lowest number.
  public var next: Signal? {
    if rawValue == 0 { return nil }
    let synchronous = rawValue & SignalSet.synchronous.rawValue
    return Signal(unchecked: (synchronous != 0 ? synchronous : rawValue).trailingZeroBitCount &+ 1)
  }
}
