import Runtime

/// A small shell that stands in where busybox could not be had: programs, arguments in quotes, pipes, and the
/// status of the last one.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  printLine("This small shell stands in for busybox, which could not be fetched when the image was built.")
  printLine("Programs are in /bin, such as `sse --rounds 10`; `a | b` joins two; `exit` ends the machine.")
  var shell = Shell(environment: environment)
  return shell.run()
}

private func printLine(_ text: StaticString) {
  var line = TextLine()
  line.add(text)
  line.write()
}

private struct Shell: ~Copyable {
  private static var lineCapacity: Int { 1024 }
  private static var wordCapacity: Int { 128 }

  private let environment: StringVector
  /// The line as typed, cut into words by zeros; then a path for execve.
  private let text: UnsafeMutablePointer<UInt8>
  private let words: UnsafeMutablePointer<UnsafePointer<UInt8>?>
  private var status: Int32 = 0

  init(environment: StringVector) {
    self.environment = environment
    let size = 3 * 4096
    guard let memory = Mapping.allocate(sizeInBytes: size) else { exitProcess(ExitStatus.mismatch) }
    text = memory.bindMemory(to: UInt8.self, capacity: 8192)
    words = (memory + 8192).bindMemory(to: UnsafePointer<UInt8>?.self, capacity: 512)
  }

  /// Reads and does lines up to `exit` or the end of the input.
  mutating func run() -> Int32 {
    while true {
      write("$ ")
      let count = callSystem(SystemCallNumber.read, 0, address(text), UInt(Self.lineCapacity - 1))
      if count <= 0 { return status }
      text[count] = 0
      let wordCount = splitLine(count)
      if wordCount == 0 { continue }
      if Argument(text: words[0]!).matches("exit") {
        guard wordCount > 1, let number = Argument(text: words[1]!).number else { return status }
        return Int32(truncatingIfNeeded: number & 255)
      }
      status = runPipeline(wordCount)
    }
  }

  private func write(_ text: StaticString) {
    _ = callSystem(SystemCallNumber.write, 1, address(text.utf8Start), UInt(text.utf8CodeUnitCount))
  }

  /// Cuts the line into words; a `|` becomes a null pointer among them.
  private func splitLine(_ count: Int) -> Int {
    var wordCount = 0
    var source = 0
    var target = 0
    while source < count, wordCount < Self.wordCapacity {
      if text[source] <= 32 {
        source += 1
        continue
      }
      if text[source] == UInt8(ascii: "|") {
        words[wordCount] = nil
        wordCount += 1
        source += 1
        continue
      }
      words[wordCount] = UnsafePointer(text + target)
      wordCount += 1
      var quote: UInt8 = 0
      while source < count {
        let byte = text[source]
        if quote == 0, byte <= 32 || byte == UInt8(ascii: "|") { break }
        source += 1
        if quote == 0, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
          quote = byte
        } else if byte == quote {
          quote = 0
        } else {
          text[target] = byte
          target += 1
        }
      }
      let endsPipePart = source < count && text[source] == UInt8(ascii: "|")
      // The zero may take the place of the bar, which is noted first.
      text[target] = 0
      target += 1
      if endsPipePart {
        words[wordCount] = nil
        wordCount += 1
        source += 1
      } else if source < target {
        source = target
      }
    }
    words[wordCount] = nil
    return wordCount
  }

  /// Starts the commands between the null pointers, each one's output being the next one's input.
  private func runPipeline(_ wordCount: Int) -> Int32 {
    var first = 0
    var input: Int = 0
    var last = 0
    var children = 0
    while first < wordCount {
      var end = first
      while words[end] != nil { end += 1 }
      var ends: (Int32, Int32) = (0, 1)
      let isLast = end >= wordCount
      if !isLast, withUnsafeMutablePointer(to: &ends, { callSystem(SystemCallNumber.pipe, address($0)) }) != 0 {
        printLine("shell: no pipe")
        return 1
      }
      let child = callSystem(SystemCallNumber.fork)
      if child == 0 { execute(first, input, Int(ends.1), closing: isLast ? 0 : Int(ends.0)) }
      if input != 0 { _ = callSystem(SystemCallNumber.close, UInt(input)) }
      if !isLast { _ = callSystem(SystemCallNumber.close, UInt(ends.1)) }
      if child < 0 {
        printLine("shell: no process")
        return 1
      }
      input = isLast ? 0 : Int(ends.0)
      last = child
      children += 1
      first = end + 1
    }
    var result: Int32 = 0
    while children > 0 {
      let ended = waitForChild(-1)
      if ended.identifier < 0 { break }
      if ended.identifier == last {
        let signal = ended.status & 127
        result = signal == 0 ? ended.status >> 8 & 255 : 128 + signal
      }
      children -= 1
    }
    return result
  }

  /// In the child: moves the ends of pipes into place, and becomes the program.
  private func execute(_ first: Int, _ input: Int, _ output: Int, closing unused: Int) -> Never {
    let dup2: UInt = 33
    if unused != 0 { _ = callSystem(SystemCallNumber.close, UInt(unused)) }
    if input != 0 {
      _ = callSystem(dup2, UInt(input), 0)
      _ = callSystem(SystemCallNumber.close, UInt(input))
    }
    if output != 1 {
      _ = callSystem(dup2, UInt(output), 1)
      _ = callSystem(SystemCallNumber.close, UInt(output))
    }
    guard let name = words[first] else { exitProcess(ExitStatus.usage) }
    let path = text + 4096
    var count = 0
    if name[0] != UInt8(ascii: "/") {
      let directory: StaticString = "/bin/"
      for index in 0..<directory.utf8CodeUnitCount { path[index] = directory.utf8Start[index] }
      count = directory.utf8CodeUnitCount
    }
    var index = 0
    while name[index] != 0 {
      path[count] = name[index]
      count += 1
      index += 1
    }
    path[count] = 0
    _ = callSystem(
      SystemCallNumber.execve, address(path), address(words + first), address(environment))
    var line = TextLine()
    line.add(text: name)
    line.add(": no such program")
    line.write()
    exitProcess(127)
  }
}
