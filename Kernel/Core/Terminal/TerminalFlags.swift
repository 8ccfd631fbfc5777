/// c_iflag (termios(3)), with Linux's values.
public struct TerminalInputFlags: OptionSet, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static var ignoreBreak: Self { Self(rawValue: 0x1) }  // IGNBRK
  public static var breakInterrupts: Self { Self(rawValue: 0x2) }  // BRKINT
  public static var markErrors: Self { Self(rawValue: 0x8) }  // PARMRK
  public static var strip: Self { Self(rawValue: 0x20) }  // ISTRIP
  public static var newlineToReturn: Self { Self(rawValue: 0x40) }  // INLCR
  public static var ignoreReturn: Self { Self(rawValue: 0x80) }  // IGNCR
  public static var returnToNewline: Self { Self(rawValue: 0x100) }  // ICRNL
  public static var toLowercase: Self { Self(rawValue: 0x200) }  // IUCLC
  public static var flowControl: Self { Self(rawValue: 0x400) }  // IXON
  public static var anyCharacterStarts: Self { Self(rawValue: 0x800) }  // IXANY
  public static var sendsFlowControl: Self { Self(rawValue: 0x1000) }  // IXOFF
  public static var bellOnFullLine: Self { Self(rawValue: 0x2000) }  // IMAXBEL
  public static var utf8: Self { Self(rawValue: 0x4000) }  // IUTF8
}

/// c_oflag, with Linux's values.
public struct TerminalOutputFlags: OptionSet, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static var process: Self { Self(rawValue: 0x1) }  // OPOST
  public static var toUppercase: Self { Self(rawValue: 0x2) }  // OLCUC
  public static var newlineToReturnNewline: Self { Self(rawValue: 0x4) }  // ONLCR
  public static var returnToNewline: Self { Self(rawValue: 0x8) }  // OCRNL
  public static var noReturnAtColumnZero: Self { Self(rawValue: 0x10) }  // ONOCR
  public static var newlineReturns: Self { Self(rawValue: 0x20) }  // ONLRET
  public static var expandTabs: Self { Self(rawValue: 0x1800) }  // XTABS, both bits of TABDLY
}

/// c_lflag, with Linux's values.
public struct TerminalLocalFlags: OptionSet, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static var signals: Self { Self(rawValue: 0x1) }  // ISIG
  public static var canonical: Self { Self(rawValue: 0x2) }  // ICANON
  public static var echo: Self { Self(rawValue: 0x8) }  // ECHO
  public static var echoErase: Self { Self(rawValue: 0x10) }  // ECHOE
  public static var echoKill: Self { Self(rawValue: 0x20) }  // ECHOK
  public static var echoNewline: Self { Self(rawValue: 0x40) }  // ECHONL
  public static var noFlush: Self { Self(rawValue: 0x80) }  // NOFLSH
  public static var stopsBackgroundOutput: Self { Self(rawValue: 0x100) }  // TOSTOP
  public static var echoControl: Self { Self(rawValue: 0x200) }  // ECHOCTL
  public static var echoErasedText: Self { Self(rawValue: 0x400) }  // ECHOPRT
  public static var echoKillErases: Self { Self(rawValue: 0x800) }  // ECHOKE
  public static var extended: Self { Self(rawValue: 0x8000) }  // IEXTEN
  public static var externalProcessing: Self { Self(rawValue: 0x10000) }  // EXTPROC
}

/// Places in c_cc, as Linux numbers them.
public enum ControlCharacter: Int, Sendable {
  case interrupt = 0  // VINTR
  case quit = 1
  case erase = 2
  case kill = 3
  case endOfFile = 4
  case time = 5  // VTIME, in tenths of a second
  case minimum = 6  // VMIN
  case start = 8
  case stop = 9
  case suspend = 10
  case endOfLine = 11
  case reprint = 12
  case wordErase = 14
  case literalNext = 15
  case secondEndOfLine = 16
}
