/// What a signal tells about itself: the 48 bytes of Linux's `siginfo_t` that the kernel fills (sigaction(2)).
/// A program sees 128 bytes, the rest of which is zero.
public struct SignalInformation: BitwiseCopyable, Sendable {
  /// The signal's number, 1 to 64.
  public var number: Int32
  public var errorNumber: Int32
  /// Where the signal comes from: one of `SignalCode`'s, or what a program has chosen below 0.
  public var code: Int32
  private var padding: Int32 = 0
  /// The fields, which have a meaning by signal and code: bytes 16 to 47.
  public var fields: (UInt64, UInt64, UInt64, UInt64)

  /// The size in bytes of `siginfo_t`.
  public static var userSizeInBytes: Int { 128 }

  @inline(__always)
  public init(
    number: Int32, code: Int32, fields: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0), errorNumber: Int32 = 0
  ) {
    self.number = number
    self.errorNumber = errorNumber
    self.code = code
    self.fields = fields
  }

  /// A value to read one into.
  public static var empty: SignalInformation { SignalInformation(number: 0, code: 0) }

  /// The signal; the number is one.
  @inline(__always)
  public var signal: Signal { Signal(unchecked: Int(number)) }

  /// Sent by the kernel for a reason of its own.
  public static func fromKernel(_ signal: Signal) -> SignalInformation {
    SignalInformation(number: Int32(signal.rawValue), code: SignalCode.kernel)
  }

  /// Sent by a process, by kill(2) or tgkill(2).
  ///
  /// - Parameter code: `SignalCode.user` or `SignalCode.threadKill`.
  public static func fromProcess(
    _ signal: Signal, process: Int32, user: UInt32, code: Int32 = SignalCode.user
  ) -> SignalInformation {
    SignalInformation(
      number: Int32(signal.rawValue), code: code, fields: (pair(UInt32(bitPattern: process), user), 0, 0, 0))
  }

  /// Earned by an instruction.
  ///
  /// - Parameter address: of the memory that it touched, or its own.
  public static func fault(
    _ signal: Signal, code: Int32, address: UInt64, protectionKey: UInt32 = 0
  ) -> SignalInformation {
    SignalInformation(number: Int32(signal.rawValue), code: code, fields: (address, 0, UInt64(protectionKey), 0))
  }

  /// A child has ended, stopped or gone on.
  ///
  /// - Parameters:
  ///   - status: the exit code or the signal's number.
  ///   - userTime: in hundredths of a second, as `systemTime`.
  public static func child(
    _ signal: Signal, code: Int32, process: Int32, user: UInt32, status: Int32, userTime: UInt64, systemTime: UInt64
  ) -> SignalInformation {
    SignalInformation(
      number: Int32(signal.rawValue), code: code,
      fields: (
        pair(UInt32(bitPattern: process), user), UInt64(UInt32(bitPattern: status)), userTime, systemTime
      ))
  }

  /// A timer of timer_create(2) has expired.
  public static func timer(_ signal: Signal, timer: Int32, overrun: Int32, value: UInt64) -> SignalInformation {
    SignalInformation(
      number: Int32(signal.rawValue), code: SignalCode.timer,
      fields: (pair(UInt32(bitPattern: timer), UInt32(bitPattern: overrun)), value, 0, 0))
  }

  /// A system call that is left to the program (PR_SET_SYSCALL_USER_DISPATCH).
  ///
  /// - Parameters:
  ///   - address: behind the instruction.
  ///   - isI386: whether the number is one of i386.
  public static func systemCall(_ number: Int32, after address: UInt64, isI386: Bool) -> SignalInformation {
    // AUDIT_ARCH_I386 and AUDIT_ARCH_X86_64
    let architecture: UInt32 = isI386 ? 0x4000_0003 : 0xC000_003E
    return SignalInformation(
      number: Int32(Signal.badSystemCall.rawValue), code: SignalCode.userDispatch,
      fields: (address, pair(UInt32(bitPattern: number), architecture), 0, 0))
  }

  /// A message has come to a queue (mq_notify(3)).
  ///
  /// - Parameters:
  ///   - process, user: who has sent the message.
  ///   - value: what was asked to go along.
  public static func messageQueue(_ signal: Signal, process: Int32, user: UInt32, value: UInt64) -> SignalInformation {
    SignalInformation(
      number: Int32(signal.rawValue), code: SignalCode.messageQueue,
      fields: (pair(UInt32(bitPattern: process), user), value, 0, 0))
  }

  /// A file may have become ready (fcntl(2), F_SETSIG).
  public static func ofFile(_ signal: Signal, reason: FileReadiness, descriptor: Int32) -> SignalInformation {
    SignalInformation(
      number: Int32(signal.rawValue),
      code: SignalCode.hasOther(signal) ? SignalCode.file : reason.code,
      fields: (reason.band, UInt64(UInt32(bitPattern: descriptor)), 0, 0))
  }

  /// The overrun of a timer's signal.
  public var overrun: Int32 {
    get { Int32(truncatingIfNeeded: Int64(bitPattern: fields.0) >> 32) }
    set { fields.0 = SignalInformation.pair(UInt32(truncatingIfNeeded: fields.0), UInt32(bitPattern: newValue)) }
  }

  /// Whether the kernel says so, and not another program.
  public var isFromKernel: Bool { code > 0 }

  @inline(__always)
  private static func pair(_ low: UInt32, _ high: UInt32) -> UInt64 { UInt64(high) << 32 | UInt64(low) }
}

/// What a file may have become ready for, as O_ASYNC's signals tell it: Linux's POLL_IN, POLL_OUT and POLL_HUP.
public enum FileReadiness: Equatable, Sendable {
  case input, output, hangUp

  public init(isInput: Bool, isOutput: Bool) {
    self = isInput ? .input : isOutput ? .output : .hangUp
  }

  /// `si_code`
  var code: Int32 {
    switch self {
    case .input: 1
    case .output: 2
    case .hangUp: 6
    }
  }

  /// `si_band`: events of poll(2).
  var band: UInt64 {
    switch self {
    case .input: 0x41
    case .output: 0x304
    case .hangUp: 0x18
    }
  }
}

/// Values of `si_code` (sigaction(2)).
public enum SignalCode {
  public static var user: Int32 { 0 }
  public static var kernel: Int32 { 0x80 }
  public static var queue: Int32 { -1 }
  public static var timer: Int32 { -2 }
  public static var messageQueue: Int32 { -3 }
  /// SI_SIGIO: of O_ASYNC, where the signal's codes mean something else.
  public static var file: Int32 { -5 }
  public static var threadKill: Int32 { -6 }

  /// SIGILL: an operand.
  public static var illegalOperand: Int32 { 2 }
  /// SIGFPE.
  public static var integerDivide: Int32 { 1 }
  public static var integerOverflow: Int32 { 2 }
  public static var floatingPointDivide: Int32 { 3 }
  public static var floatingPointOverflow: Int32 { 4 }
  public static var floatingPointUnderflow: Int32 { 5 }
  public static var floatingPointInexact: Int32 { 6 }
  public static var floatingPointInvalid: Int32 { 7 }
  /// SIGSEGV.
  public static var notMapped: Int32 { 1 }
  public static var accessRefused: Int32 { 2 }
  public static var protectionKey: Int32 { 4 }
  /// SIGBUS.
  public static var alignment: Int32 { 1 }
  public static var noSuchMemory: Int32 { 2 }
  /// SIGTRAP.
  public static var breakpoint: Int32 { 1 }
  public static var trace: Int32 { 2 }
  public static var hardwareBreakpoint: Int32 { 4 }
  /// SIGSYS.
  public static var userDispatch: Int32 { 2 }
  /// SIGCHLD.
  public static var childExited: Int32 { 1 }
  public static var childKilled: Int32 { 2 }
  public static var childDumpedCore: Int32 { 3 }
  public static var childTrapped: Int32 { 4 }
  public static var childStopped: Int32 { 5 }
  public static var childContinued: Int32 { 6 }

  /// Whether a signal has codes above 0 that mean something else than a file's.
  static func hasOther(_ signal: Signal) -> Bool {
    let others = SignalSet(.illegalInstruction).union(SignalSet(.floatingPoint)).union(SignalSet(.segmentationFault))
      .union(SignalSet(.bus)).union(SignalSet(.trap)).union(SignalSet(.child)).union(SignalSet(.badSystemCall))
    return others.contains(signal)
  }
}
