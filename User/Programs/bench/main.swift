import Assembly
import Runtime

private let help: StaticString = """
    --count N        operations between two looks at the time (100)
    --repetitions N  runs, of which the shortest counts (10)
    --only SET       one set of measurements: calls, switches, futexes, pipes, threads, processes,
                     memory, interrupts, first-use, start
    --help           print this
  Prints `bench NAME TICKS`: ticks of the time-stamp counter for each operation, nothing subtracted but where
  said. Kernel/System/Bench/README.md describes each of them. Without --only, all but the last two sets.
  `bench-switches NAME N of M` tells how many of the M turns really came after the other's: where
  sched_yield may return at once, a figure with few of them is none for a switch.
  """

private enum Selection {
  case calls, switches, futexes, pipes, threads, processes, memory, interrupts, firstUse, start

  init?(_ name: Argument) {
    if name.matches("calls") { self = .calls }
    else if name.matches("switches") { self = .switches }
    else if name.matches("futexes") { self = .futexes }
    else if name.matches("pipes") { self = .pipes }
    else if name.matches("threads") { self = .threads }
    else if name.matches("processes") { self = .processes }
    else if name.matches("memory") { self = .memory }
    else if name.matches("interrupts") { self = .interrupts }
    else if name.matches("first-use") { self = .firstUse }
    else if name.matches("start") { self = .start }
    else { return nil }
  }
}

/// Measures what the kernel's services cost, in ticks of the time-stamp counter.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  var arguments = Arguments(count: argumentCount, vector: arguments)
  let path = arguments.programPath
  var effort = Effort()
  var selection: Selection?
  while let argument = arguments.next() {
    if argument.matches("--count") {
      effort.count = UInt64(requireNumber(program: "bench", argument, &arguments))
    } else if argument.matches("--repetitions") {
      effort.repetitions = UInt64(requireNumber(program: "bench", argument, &arguments))
    } else if argument.matches("--only") {
      guard let name = arguments.next(), let named = Selection(name) else {
        refuseUsage(program: "bench", "--only takes the name of a set; see --help")
      }
      selection = named
    } else if argument.matches("--exit") {
      // What `processes` executes: nothing but a program's start and end.
      return ExitStatus.passed
    } else if argument.matches("--help") {
      printLine("usage: bench [option...]")
      printLine(help)
      return ExitStatus.passed
    } else {
      refuseUsage(program: "bench", "unknown option", argument)
    }
  }
  guard (1...1_000_000).contains(effort.count), (1...1_000_000).contains(effort.repetitions) else {
    refuseUsage(program: "bench", "--count and --repetitions take 1 to 1000000")
  }
  if selection == .start {
    report("firstUserInstruction", firstInstructionTicks())
    return ExitStatus.passed
  }
  guard pinToProcessor(0) == 0 else {
    printLine("MISMATCH bench: sched_setaffinity failed")
    return ExitStatus.mismatch
  }
  func isSelected(_ set: Selection) -> Bool { selection == nil || selection == set }
  if isSelected(.calls) { measureSystemCalls(effort) }
  if isSelected(.switches) { measureSwitches(effort) }
  if isSelected(.futexes) { measureFutexes(effort) }
  if isSelected(.pipes) { measurePipes(effort) }
  if isSelected(.threads) { measureThreads(effort.divided(by: 10)) }
  if isSelected(.processes) { measureProcesses(effort.divided(by: 20), path) }
  if isSelected(.memory) { measureMemory(effort) }
  if isSelected(.interrupts) { measureInterrupts() }
  if selection == .firstUse { measureFirstUse() }
  return ExitStatus.passed
}

private func measureSystemCalls(_ effort: Effort) {
  effort.measure("emptyLoopTurn", operations: effort.count) { emptyLoop(effort.count) }
  effort.measure("systemCall", operations: effort.count) {
    systemCallLoop(effort.count, UInt64(SystemCallNumber.getpid))
  }
  effort.measure("yieldAlone", operations: effort.count) {
    systemCallLoop(effort.count, UInt64(SystemCallNumber.schedYield))
  }
}

private func measureThreads(_ effort: Effort) {
  effort.measure("threadCreateAndEnd", operations: effort.count) {
    for _ in 0..<effort.count {
      guard let thread = Thread(context: nil, entry: { _ in }) else { fail("MISMATCH bench: no thread") }
      thread.join()
    }
  }
}

private func measureProcesses(_ effort: Effort, _ path: Argument?) {
  func run(_ body: () -> Void) {
    for _ in 0..<effort.count {
      let child = callSystem(SystemCallNumber.fork)
      if child == 0 {
        body()
        exitProcess(0)
      }
      guard child > 0, waitForChild(child).status == 0 else { fail("MISMATCH bench: no process") }
    }
  }
  effort.measure("forkExitWait", operations: effort.count) { run {} }
  guard let path else { return }
  let option: StaticString = "--exit"
  var words: InlineArray<3, UnsafePointer<UInt8>?> = [path.text, option.utf8Start, nil]
  withUnsafeMutablePointer(to: &words) { words in
    let vector = UnsafeRawPointer(words)
    effort.measure("forkExecExitWait", operations: effort.count) {
      run {
        _ = callSystem(SystemCallNumber.execve, address(path.text), address(vector), address(vector + 16))
        exitProcess(ExitStatus.mismatch)
      }
    }
  }
}

private func measureMemory(_ effort: Effort) {
  var shortest = UInt64.max
  let size = Int(effort.count) * Mapping.pageSize
  for _ in 0..<effort.repetitions {
    guard let memory = Mapping.allocate(sizeInBytes: size) else { fail("MISMATCH bench: no memory") }
    let start = readTimeStampCounter()
    for offset in stride(from: 0, to: size, by: Mapping.pageSize) {
      memory.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
    }
    shortest = min(shortest, readTimeStampCounter() &- start)
    Mapping.free(memory, sizeInBytes: size)
  }
  report("pageFault", shortest / effort.count)
  effort.measure("mapAndUnmap", operations: effort.count) {
    for _ in 0..<effort.count {
      guard let page = Mapping.allocate(sizeInBytes: Mapping.pageSize) else {
        fail("MISMATCH bench: no memory")
      }
      Mapping.free(page, sizeInBytes: Mapping.pageSize)
    }
  }
}

private func measureInterrupts() {
  let ticks = shortestInterruption(1_000_000)
  if ticks < 1 << 32 { report("timerInterrupt", ticks) }
}
