/// What a process does with a signal, laid out as Linux's rt_sigaction takes it: 32 bytes.
public struct SignalAction: BitwiseCopyable, Sendable {
  /// The address of the handler, or one of the two values below.
  public var handler: UInt64
  public var flags: SignalActionFlags
  /// Where a handler returns to (SA_RESTORER).
  public var restorer: UInt64
  /// What is blocked while the handler runs, beside the signal itself.
  public var mask: SignalSet

  @inline(__always)
  public init(
    handler: UInt64 = 0, flags: SignalActionFlags = [], restorer: UInt64 = 0, mask: SignalSet = []
  ) {
    self.handler = handler
    self.flags = flags
    self.restorer = restorer
    self.mask = mask
  }

  public static var `default`: SignalAction { SignalAction() }

  /// SIG_DFL.
  @inline(__always)
  public var isDefault: Bool { handler == 0 }
  /// SIG_IGN.
  @inline(__always)
  public var isIgnore: Bool { handler == 1 }
  @inline(__always)
  public var isHandler: Bool { handler > 1 }

  /// Whether a process with this action never learns of the signal.
  public func discards(_ signal: Signal) -> Bool {
    isIgnore || isDefault && (signal.defaultAction == .ignore || signal == .continue)
  }

  /// What is blocked once the handler has begun.
  @inline(__always)
  public func blockedInHandler(_ signal: Signal, before: SignalSet) -> SignalSet {
    let blocked = before.union(mask)
    return flags.contains(.noDefer) ? blocked : blocked.union(SignalSet(signal))
  }
}

/// The flags of sigaction(2).
public struct SignalActionFlags: OptionSet, BitwiseCopyable, Sendable {
  public let rawValue: UInt64

  @inline(__always)
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public static var noChildStop: SignalActionFlags { SignalActionFlags(rawValue: 0x1) }
  public static var noChildWait: SignalActionFlags { SignalActionFlags(rawValue: 0x2) }
  public static var information: SignalActionFlags { SignalActionFlags(rawValue: 0x4) }
  public static var exposeTagBits: SignalActionFlags { SignalActionFlags(rawValue: 0x800) }
  public static var restorer: SignalActionFlags { SignalActionFlags(rawValue: 0x0400_0000) }
  public static var onStack: SignalActionFlags { SignalActionFlags(rawValue: 0x0800_0000) }
  public static var restart: SignalActionFlags { SignalActionFlags(rawValue: 0x1000_0000) }
  public static var noDefer: SignalActionFlags { SignalActionFlags(rawValue: 0x4000_0000) }
  public static var resetHandler: SignalActionFlags { SignalActionFlags(rawValue: 0x8000_0000) }

  /// Those that this kernel knows: the others are cleared, so that a program can find out (SA_UNSUPPORTED).
  public static var known: SignalActionFlags { SignalActionFlags(rawValue: 0xDC00_0807) }
}
