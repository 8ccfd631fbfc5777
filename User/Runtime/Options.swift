/// The options that all pattern programs take.
public struct Options {
  /// How many rounds to run; 0 for no end.
  public var rounds: UInt = 100
  /// How many times a loop counts between loading the registers and checking them.
  public var spin: UInt = 20_000
  /// Whether to give up the CPU by sched_yield after the spin.
  public var yields = false
  /// Mixed with the process and thread identifiers into the pattern.
  public var seed: UInt = 1
  /// Whether to leave out the closing line.
  public var isQuiet = false
  /// The register to spoil, for a test of the check itself.
  public var corruptedRegister: Argument?

  public static let help: StaticString = """
      --rounds N   rounds to run, 0 for no end (100)
      --spin N     loop count between load and check (20000)
      --yield      also give up the CPU between load and check
      --seed N     number that the pattern is derived from (1)
      --quiet      print mismatches only
      --help       print this
    """

  public init() {}

  /// Reads the command line; `other` is offered each word that is not one of the common options, and says
  /// whether it took it. Ends the program for `--help` and for what nobody takes.
  public init(
    program: StaticString, arguments: Arguments, extraHelp: StaticString = "",
    other: (Argument, inout Arguments) -> Bool = { _, _ in false }
  ) {
    var arguments = arguments
    while let argument = arguments.next() {
      if argument.matches("--rounds") {
        rounds = requireNumber(program: program, argument, &arguments)
      } else if argument.matches("--spin") {
        spin = requireNumber(program: program, argument, &arguments)
      } else if argument.matches("--seed") {
        seed = requireNumber(program: program, argument, &arguments)
      } else if argument.matches("--yield") {
        yields = true
      } else if argument.matches("--quiet") {
        isQuiet = true
      } else if argument.matches("--corrupt") {
        guard let name = arguments.next() else {
          refuseUsage(program: program, "a register's name must follow", argument)
        }
        corruptedRegister = name
      } else if argument.matches("--help") {
        Self.printHelp(program: program, extraHelp: extraHelp)
        exitProcess(ExitStatus.passed)
      } else if !other(argument, &arguments) {
        refuseUsage(program: program, "unknown option", argument)
      }
    }
  }

  private static func printHelp(program: StaticString, extraHelp: StaticString) {
    var line = TextLine()
    line.add("usage: ")
    line.add(program)
    line.add(" [option...]")
    line.write()
    printLine(help)
    if extraHelp.utf8CodeUnitCount > 0 { printLine(extraHelp) }
  }
}

/// The number that must follow an option; ends the program where there is none.
public func requireNumber(
  program: StaticString, _ option: Argument, _ arguments: inout Arguments
) -> UInt {
  guard let number = arguments.next()?.number else {
    refuseUsage(program: program, "a number must follow", option)
  }
  return number
}
