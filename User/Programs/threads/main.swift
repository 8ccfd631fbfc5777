import Assembly
import Runtime

/// What a thread is to do, and whether it went well.
private struct Task {
  var options: Options
  var index: UInt
  var failed: Bool
}

/// Several threads of one address space, each with its own registers of one kind.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  var threadCount: UInt = 4
  let options = Options(
    program: "threads", arguments: Arguments(count: argumentCount, vector: arguments),
    extraHelp: "  --threads N  threads to run, up to 64 (4)"
  ) { argument, arguments in
    guard argument.matches("--threads") else { return false }
    threadCount = requireNumber(program: "threads", argument, &arguments)
    return true
  }
  guard (1...64).contains(threadCount) else { refuseUsage(program: "threads", "--threads takes 1 to 64") }

  let taskSize = MemoryLayout<Task>.stride
  guard let memory = Mapping.allocate(sizeInBytes: 64 * taskSize) else {
    printLine("threads: no memory")
    return ExitStatus.mismatch
  }
  let tasks = memory.bindMemory(to: Task.self, capacity: 64)
  var threads = InlineArray<64, Thread?>(repeating: nil)
  for index in 0..<Int(threadCount) {
    (tasks + index).initialize(to: Task(options: options, index: UInt(index), failed: true))
    threads[index] = Thread(context: UnsafeMutableRawPointer(tasks + index), entry: runTask)
  }
  var failures = 0
  for index in 0..<Int(threadCount) {
    if let thread = threads[index] {
      thread.join()
    } else {
      printLine("MISMATCH threads: a thread did not start")
    }
    if tasks[index].failed { failures += 1 }
  }
  if failures > 0 { return ExitStatus.mismatch }
  if !options.isQuiet {
    var line = TextLine()
    line.add("threads: ")
    line.add(threadCount)
    line.add(" threads, every register as expected")
    line.write()
  }
  return ExitStatus.passed
}

/// The body of one thread.
private func runTask(_ record: UnsafeMutablePointer<ThreadRecord>?) {
  guard let record, let context = record.pointee.context else { return }
  let task = context.assumingMemoryBound(to: Task.self)
  let rounds = PatternRounds(
    program: "threads", pattern: pattern(for: task.pointee.index), options: task.pointee.options)
  var round: UInt = 0
  let options = task.pointee.options
  let call = options.yields ? UInt64(SystemCallNumber.schedYield) : noSystemCall
  while options.rounds == 0 || round < options.rounds {
    guard rounds.runOne(round: round, call: call).isIntact else { return }
    guard Thread.hasOwnThreadPointer(record) else {
      var line = TextLine()
      line.add("MISMATCH threads tid ")
      line.add(threadIdentifier())
      line.add(" round ")
      line.add(round)
      line.add(" register fs: the base is another thread's")
      line.write()
      return
    }
    round += 1
  }
  task.pointee.failed = false
}

/// SSE and AVX in turn, then x87 with both, and one in four without the FPU.
private func pattern(for index: UInt) -> UnsafePointer<Pattern> {
  switch index % 4 {
  case 0: ssePatternAddress()
  case 1: Features.hasAVX ? avxPatternAddress() : mixedSSEPatternAddress()
  case 2: Features.hasAVX ? mixedAVXPatternAddress() : x87PatternAddress()
  default: integerPatternAddress()
  }
}
