import Assembly

/// Rounds of one pattern in one thread: new values, load, wait, check.
public struct PatternRounds {
  public let program: StaticString
  public let image: PatternImage
  public let options: Options
  private let key: UInt64
  private let corrupt: UInt64

  /// - Parameter program: the name that reports begin with.
  public init(program: StaticString, pattern: UnsafePointer<Pattern>, options: Options) {
    guard let image = PatternImage(pattern) else {
      printLine("no memory for the pattern")
      exitProcess(ExitStatus.mismatch)
    }
    self.program = program
    self.image = image
    self.options = options
    var corrupt: UInt64 = 0
    if let name = options.corruptedRegister {
      guard let number = image.number(named: name) else {
        refuseUsage(program: program, "this program has no register", name)
      }
      corrupt = number
    }
    self.corrupt = corrupt
    let identifiers = UInt64(processIdentifier()) << 32 ^ UInt64(threadIdentifier())
    var mixer = BitStream(key: UInt64(options.seed))
    key = mixer.next() ^ identifiers &* 0xD6E8_FEB8_6659_FD93
  }

  /// Runs until the options' rounds are done or a register differs, which is reported.
  ///
  /// - Returns: whether all was as expected.
  public func run() -> Bool {
    var round: UInt = 0
    while options.rounds == 0 || round < options.rounds {
      let call = options.yields ? UInt64(SystemCallNumber.schedYield) : noSystemCall
      guard runOne(round: round, call: call).isIntact else { return false }
      round += 1
    }
    return true
  }

  /// Runs one round.
  ///
  /// - Parameters:
  ///   - round: varies the values.
  ///   - call: the system call made between load and check, or `noSystemCall`.
  /// - Returns: whether all registers were as expected, and what the call returned.
  public func runOne(round: UInt, call: UInt64) -> (isIntact: Bool, callResult: Int) {
    image.fill(key: key &+ UInt64(round) &* 0xA076_1D64_78BD_642F)
    var callResult: Int64 = 0
    let difference = image.pattern.run(
      image.expected, image.observed, max(UInt64(options.spin), 1), call, corrupt, &callResult)
    if difference != noDifference {
      _ = image.reportDifferences(program: program, round: round, limit: 8)
    }
    return (difference == noDifference, Int(callResult))
  }
}

/// No system call between load and check.
public let noSystemCall = UInt64.max

/// What `Pattern.run` returns where nothing differs.
let noDifference = UInt64.max

/// The whole of a program that runs one pattern.
///
/// - Returns: the exit status.
public func runPatternProgram(
  program: StaticString, pattern: UnsafePointer<Pattern>, options: Options
) -> Int32 {
  guard PatternRounds(program: program, pattern: pattern, options: options).run() else {
    return ExitStatus.mismatch
  }
  if !options.isQuiet {
    var line = TextLine()
    line.add(program)
    line.add(": ")
    line.add(options.rounds)
    line.add(" rounds, every register as expected")
    line.write()
  }
  return ExitStatus.passed
}
