import Assembly
import Runtime

/// Forks in the middle of a calculation and starts itself anew in the child.
///
/// Parent and child both check that the fork left them the parent's registers. The child then fills every
/// register and calls execve; the new program looks at what its first instruction found, which must be the
/// initial state and nothing of the old one.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  let arguments = Arguments(count: argumentCount, vector: arguments)
  var own = arguments.programPath
  var checksInitial = false
  let options = Options(
    program: "forkexec", arguments: arguments,
    extraHelp: """
        --self PATH  what the child executes (the name that this program was started by)
        --check-initial  only check that the registers were initial at entry
      """
  ) { argument, arguments in
    if argument.matches("--check-initial") {
      checksInitial = true
      return true
    }
    guard argument.matches("--self") else { return false }
    own = arguments.next()
    return true
  }
  if checksInitial { return checkInitialState() }
  guard let own else { refuseUsage(program: "forkexec", "--self PATH is needed") }

  let rounds = PatternRounds(program: "forkexec", pattern: widestMixedPattern().pattern, options: options)
  var round: UInt = 0
  while options.rounds == 0 || round < options.rounds {
    guard runRound(rounds, round, own) else { return ExitStatus.mismatch }
    round += 1
  }
  if !options.isQuiet {
    printLine("forkexec: every child had its parent's registers, then the initial state")
  }
  return ExitStatus.passed
}

/// One fork, with the checks on both sides. Does not return in the child.
private func runRound(_ rounds: PatternRounds, _ round: UInt, _ own: Argument) -> Bool {
  let (isIntact, child) = rounds.runOne(round: round, call: UInt64(SystemCallNumber.fork))
  if child == 0 {
    guard isIntact else { exitProcess(ExitStatus.mismatch) }
    execute(own)
  }
  guard child > 0 else {
    complain("fork returned", child, round)
    return false
  }
  let (waited, status) = waitForChild(child)
  guard waited == child else {
    complain("wait4 returned", waited, round)
    return false
  }
  guard status == 0 else {
    complain("the child ended with wait status", Int(status), round)
    return false
  }
  return isIntact
}

/// Becomes `PATH --check-initial`, with all registers in use.
private func execute(_ own: Argument) -> Never {
  let option: StaticString = "--check-initial"
  var words: InlineArray<3, UnsafePointer<UInt8>?> = [own.text, option.utf8Start, nil]
  let result = withUnsafeMutablePointer(to: &words) {
    let vector = UnsafeRawPointer($0)
    return executeSpoiled(own.text, vector, vector + 16)
  }
  complain("execve returned", result, 0)
  exitProcess(ExitStatus.mismatch)
}

/// Compares what `_startCapturing` found with the initial state.
private func checkInitialState() -> Int32 {
  guard let image = PatternImage(initialPatternAddress(), observed: initialImageAddress()) else {
    printLine("forkexec: no memory for the pattern")
    return ExitStatus.mismatch
  }
  image.fillInitial()
  let differences = image.reportDifferences(program: "forkexec --check-initial", round: 0, limit: 64)
  return differences == 0 ? ExitStatus.passed : ExitStatus.mismatch
}

private func complain(_ text: StaticString, _ value: Int, _ round: UInt) {
  var line = TextLine()
  line.add("MISMATCH forkexec pid ")
  line.add(processIdentifier())
  line.add(" round ")
  line.add(round)
  line.add(" ")
  line.add(text)
  line.add(" ")
  line.add(value)
  line.write()
}
