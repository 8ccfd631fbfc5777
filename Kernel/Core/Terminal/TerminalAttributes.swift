/// How a terminal behaves: what tcgetattr and tcsetattr deal in (termios(3)).
public struct TerminalAttributes: Sendable {
  public static var controlCharacterCount: Int { 19 }

  public var input: TerminalInputFlags
  public var output: TerminalOutputFlags
  /// c_cflag. Nothing here depends on it but the speeds.
  public var control: UInt32
  public var local: TerminalLocalFlags
  /// c_line: there is one line discipline, and the number is kept as it was set.
  public var discipline: UInt8 = 0
  public var characters: InlineArray<19, UInt8>
  /// In bits per second.
  public var inputSpeed: UInt32
  public var outputSpeed: UInt32

  public subscript(character: ControlCharacter) -> UInt8 {
    get { characters[character.rawValue] }
    set { characters[character.rawValue] = newValue }
  }

  /// A terminal as it starts out (stty(1) calls it sane): lines with echo, signals from Ctrl-C and its kin.
  ///
  /// - Parameter control: c_cflag with the speed in it.
  public init(control: UInt32) {
    input = [.returnToNewline, .flowControl]
    output = [.process, .newlineToReturnNewline]
    self.control = control
    local = [
      .signals, .canonical, .echo, .echoErase, .echoKill, .echoControl, .echoKillErases, .extended,
    ]
    characters = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0]
    inputSpeed = 0
    outputSpeed = 0
    takeSpeedsFromControl()
  }

  /// Nothing is changed on the way in or out, and nothing is echoed: a pseudo-terminal's master.
  public static func transparent(control: UInt32) -> TerminalAttributes {
    var attributes = TerminalAttributes(control: control)
    attributes.input = []
    attributes.output = []
    attributes.local = []
    return attributes
  }

  /// Whether reads give whole lines.
  public var isCanonical: Bool { local.contains(.canonical) && !local.contains(.externalProcessing) }

  // MARK: Speeds

  /// c_cflag's bits for 8 data bits, a receiver that is on, and a hang-up on close (CS8, CREAD, HUPCL).
  public static var usualControl: UInt32 { 0x30 | 0x80 | 0x400 }
  /// CLOCAL: there are no modem lines to wait for.
  public static var localControl: UInt32 { 0x800 }
  public static var speed38400: UInt32 { 0xF }
  public static var speed115200: UInt32 { 0x1002 }
  /// CBAUD with CBAUDEX.
  private static var speedMask: UInt32 { 0x100F }
  /// BOTHER: the speed stands in a field of its own.
  private static var speedElsewhere: UInt32 { 0x1000 }

  /// What c_cflag's speed bits stand for, in bits per second; nil for BOTHER.
  public static func speed(of control: UInt32) -> UInt32? {
    switch control & speedMask {
    case 0: 0
    case 1: 50
    case 2: 75
    case 3: 110
    case 4: 134
    case 5: 150
    case 6: 200
    case 7: 300
    case 8: 600
    case 9: 1200
    case 10: 1800
    case 11: 2400
    case 12: 4800
    case 13: 9600
    case 14: 19200
    case 15: 38400
    case 0x1001: 57600
    case 0x1002: 115_200
    case 0x1003: 230_400
    case 0x1004: 460_800
    case 0x1005: 500_000
    case 0x1006: 576_000
    case 0x1007: 921_600
    case 0x1008: 1_000_000
    case 0x1009: 1_152_000
    case 0x100A: 1_500_000
    case 0x100B: 2_000_000
    case 0x100C: 2_500_000
    case 0x100D: 3_000_000
    case 0x100E: 3_500_000
    case 0x100F: 4_000_000
    default: nil
    }
  }

  /// Makes both speeds what c_cflag says; a speed of its own stays.
  public mutating func takeSpeedsFromControl() {
    guard let speed = Self.speed(of: control) else { return }
    outputSpeed = speed
    // CIBAUD, where it is not 0, is the input's.
    let ownInput = control >> 16 & Self.speedMask
    inputSpeed = ownInput == 0 ? speed : Self.speed(of: ownInput) ?? inputSpeed
  }
}
