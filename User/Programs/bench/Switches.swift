import Assembly
import Runtime

/// A loop of Programs/bench/loops.asm that takes turns with another runner.
private typealias TurnLoop = @convention(c) (UInt64, UnsafeMutablePointer<UInt32>?, UInt32) -> UInt64

/// What both runners of a switch measurement share.
private struct Duel {
  var loop: TurnLoop
  var turns: UInt64
  /// Whose turn it is or was: 1 or 2. For pipes the first of four descriptors.
  var word: UInt32
  var otherDescriptors: (UInt32, UInt32, UInt32) = (0, 0, 0)
  var opponentLost: Bool

  /// In memory that a fork shares.
  static func make(_ loop: @escaping TurnLoop, turns: UInt64) -> UnsafeMutablePointer<Duel> {
    let result = callSystem(
      SystemCallNumber.mmap, 0, UInt(Mapping.pageSize), Mapping.read | Mapping.write,
      Mapping.shared | Mapping.anonymous, UInt.max, 0)
    guard result > 0, let memory = UnsafeMutableRawPointer(bitPattern: result) else {
      fail("MISMATCH bench: no memory")
    }
    let duel = memory.bindMemory(to: Duel.self, capacity: 1)
    duel.initialize(to: Duel(loop: loop, turns: turns, word: 1, opponentLost: true))
    return duel
  }

  /// One runner's turns: how many of them came after the other's, or all ones.
  static func run(_ duel: UnsafeMutablePointer<Duel>, as identity: UInt32) -> UInt64 {
    let word =
      (UnsafeMutableRawPointer(duel) + MemoryLayout<Duel>.offset(of: \.word).unsafelyUnwrapped)
      .assumingMemoryBound(to: UInt32.self)
    let alternations = duel.pointee.loop(duel.pointee.turns, word, identity)
    // The other's clock runs until it has had its last turn: this runner's end is not to be part of that.
    if identity == 2 { yieldProcessor() }
    return alternations
  }
}

func measureSwitches(_ effort: Effort) {
  measure("switchThreads", yieldLoopNone, betweenThreads, effort)
  measure("switchThreadsSSE", yieldLoopSSE, betweenThreads, effort)
  if Features.hasAVX { measure("switchThreadsAVX", yieldLoopAVX, betweenThreads, effort) }
  if Features.hasAVX512 { measure("switchThreadsAVX512", yieldLoopAVX512, betweenThreads, effort) }
  measure("switchProcesses", yieldLoopNone, betweenProcesses, effort)
  measure("switchProcessesSSE", yieldLoopSSE, betweenProcesses, effort)
  if Features.hasAVX { measure("switchProcessesAVX", yieldLoopAVX, betweenProcesses, effort) }
  if Features.hasAVX512 { measure("switchProcessesAVX512", yieldLoopAVX512, betweenProcesses, effort) }
}

func measureFutexes(_ effort: Effort) {
  measure("futexSwitchThreads", futexLoopNone, betweenThreads, effort)
  measure("futexSwitchThreadsSSE", futexLoopSSE, betweenThreads, effort)
  if Features.hasAVX { measure("futexSwitchThreadsAVX", futexLoopAVX, betweenThreads, effort) }
  if Features.hasAVX512 { measure("futexSwitchThreadsAVX512", futexLoopAVX512, betweenThreads, effort) }
}

/// A round trip of a byte through two pipes between two processes: two writes, two reads, two switches.
func measurePipes(_ effort: Effort) {
  measurePipe("pipeRoundTrip", pipeLoopNone, effort)
  measurePipe("pipeRoundTripSSE", pipeLoopSSE, effort)
  if Features.hasAVX { measurePipe("pipeRoundTripAVX", pipeLoopAVX, effort) }
  if Features.hasAVX512 { measurePipe("pipeRoundTripAVX512", pipeLoopAVX512, effort) }
}

private func measurePipe(_ name: StaticString, _ loop: @escaping TurnLoop, _ effort: Effort) {
  var shortest = UInt64.max
  for _ in 0..<effort.repetitions {
    let duel = Duel.make(loop, turns: effort.count)
    let word = UnsafeMutableRawPointer(duel) + MemoryLayout<Duel>.offset(of: \.word).unsafelyUnwrapped
    let descriptors = word.assumingMemoryBound(to: UInt32.self)
    guard callSystem(SystemCallNumber.pipe, address(word)) == 0,
      callSystem(SystemCallNumber.pipe, address(word + 8)) == 0
    else { fail("MISMATCH bench: no pipe") }
    let outcome = betweenProcesses(duel, name)
    shortest = min(shortest, outcome.ticks)
    for index in 0..<4 { _ = callSystem(SystemCallNumber.close, UInt(descriptors[index])) }
    Mapping.free(duel, sizeInBytes: Mapping.pageSize)
  }
  report(name, shortest / effort.count)
}

/// Runs both sides of a duel, and gives the ticks of this side's turns and how many came after the other's.
private typealias Arena = (UnsafeMutablePointer<Duel>, StaticString) -> (ticks: UInt64, alternations: UInt64)

private func measure(
  _ name: StaticString, _ loop: @escaping TurnLoop, _ arena: Arena, _ effort: Effort
) {
  var shortest = UInt64.max
  var fewestAlternations = UInt64.max
  for _ in 0..<effort.repetitions {
    let duel = Duel.make(loop, turns: effort.count)
    let outcome = arena(duel, name)
    shortest = min(shortest, outcome.ticks)
    fewestAlternations = min(fewestAlternations, outcome.alternations)
    Mapping.free(duel, sizeInBytes: Mapping.pageSize)
  }
  report(name, shortest / (2 * effort.count))
  reportAlternations(name, fewestAlternations, effort.count)
}

private func betweenThreads(
  _ duel: UnsafeMutablePointer<Duel>, _ name: StaticString
) -> (ticks: UInt64, alternations: UInt64) {
  let opponent = Thread(context: duel) { record in
    guard let context = record?.pointee.context else { return }
    let duel = context.assumingMemoryBound(to: Duel.self)
    duel.pointee.opponentLost = Duel.run(duel, as: 2) == UInt64.max
  }
  guard let opponent else { fail("MISMATCH bench: no thread") }
  let outcome = timeTurns(duel, name)
  opponent.join()
  if duel.pointee.opponentLost { failLost(name) }
  return outcome
}

private func betweenProcesses(
  _ duel: UnsafeMutablePointer<Duel>, _ name: StaticString
) -> (ticks: UInt64, alternations: UInt64) {
  let child = callSystem(SystemCallNumber.fork)
  guard child >= 0 else { fail("MISMATCH bench: no process") }
  if child == 0 {
    exitProcess(Duel.run(duel, as: 2) == UInt64.max ? ExitStatus.mismatch : ExitStatus.passed)
  }
  let outcome = timeTurns(duel, name)
  if waitForChild(child).status != 0 { failLost(name) }
  return outcome
}

private func timeTurns(
  _ duel: UnsafeMutablePointer<Duel>, _ name: StaticString
) -> (ticks: UInt64, alternations: UInt64) {
  // The opponent takes its first turn, so that each of ours comes after one of its.
  yieldProcessor()
  let start = readTimeStampCounter()
  let alternations = Duel.run(duel, as: 1)
  let ticks = readTimeStampCounter() &- start
  if alternations == UInt64.max { failLost(name) }
  return (ticks, alternations)
}

/// What the first FPU instruction after a switch costs: a trap in a kernel that loads registers lazily.
func measureFirstUse() {
  let opponent = Thread(context: nil) { _ in _ = firstUseLoop(100) }
  guard let opponent else { fail("MISMATCH bench: no thread") }
  let ticks = firstUseLoop(100)
  opponent.join()
  report("firstFPUUse", ticks)
}

private func failLost(_ name: StaticString) -> Never {
  var line = TextLine()
  line.add("MISMATCH bench ")
  line.add(name)
  line.add(": a register lost its count")
  line.write()
  exitProcess(ExitStatus.mismatch)
}

private func reportAlternations(_ name: StaticString, _ alternations: UInt64, _ turns: UInt64) {
  var line = TextLine()
  line.add("bench-switches ")
  line.add(name)
  line.add(" ")
  line.add(UInt(alternations))
  line.add(" of ")
  line.add(UInt(turns))
  line.write()
}
