import Runtime

/// Checks that parent and child have memory of their own after a fork, page by page.
///
/// Before the fork each page holds the round's mark. Then the child writes to the even pages and the parent
/// to every third, both check all of them, and the child's own child does so once more.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  var pageCount: UInt = 64
  let options = Options(
    program: "cow", arguments: Arguments(count: argumentCount, vector: arguments),
    extraHelp: "  --pages N    pages to share, up to 65536 (64)"
  ) { argument, arguments in
    guard argument.matches("--pages") else { return false }
    pageCount = requireNumber(program: "cow", argument, &arguments)
    return true
  }
  guard (1...65536).contains(pageCount) else { refuseUsage(program: "cow", "--pages takes 1 to 65536") }
  guard let memory = Mapping.allocate(sizeInBytes: Int(pageCount) * Mapping.pageSize) else {
    printLine("cow: no memory")
    return ExitStatus.mismatch
  }
  let pages = Pages(memory: memory, count: Int(pageCount))
  var round: UInt = 0
  while options.rounds == 0 || round < options.rounds {
    guard runRound(pages, round, options) else { return ExitStatus.mismatch }
    round += 1
  }
  if !options.isQuiet { printLine("cow: every process kept its own pages") }
  return ExitStatus.passed
}

/// The pages in question. The first word of a page says who wrote it, the last one repeats that.
private struct Pages {
  let memory: UnsafeMutableRawPointer
  let count: Int

  private static let last = Mapping.pageSize - 8

  /// Writes to each page whose number is a multiple of `step`.
  func write(_ mark: UInt, every step: Int) {
    for page in stride(from: 0, to: count, by: step) {
      let start = memory + page * Mapping.pageSize
      start.storeBytes(of: mark &+ UInt(page), as: UInt.self)
      start.storeBytes(of: mark &+ UInt(page), toByteOffset: Self.last, as: UInt.self)
    }
  }

  /// The first page that holds neither `mark`, on a multiple of `step`, nor `other` elsewhere.
  func firstWrongPage(_ mark: UInt, every step: Int, other: UInt) -> Int? {
    for page in 0..<count {
      let start = memory + page * Mapping.pageSize
      let expected = (page % step == 0 ? mark : other) &+ UInt(page)
      if start.load(as: UInt.self) != expected { return page }
      if start.load(fromByteOffset: Self.last, as: UInt.self) != expected { return page }
    }
    return nil
  }
}

private func runRound(_ pages: Pages, _ round: UInt, _ options: Options) -> Bool {
  let before = options.seed << 48 &+ round << 24
  pages.write(before, every: 1)
  let child = callSystem(SystemCallNumber.fork)
  if child == 0 {
    let isRight = writeAndCheck(pages, before, mark: 1 << 56, every: 2, "child", round, options)
    exitProcess(isRight && forkAgain(pages, before, round, options) ? 0 : ExitStatus.mismatch)
  }
  guard child > 0 else { return complain("fork failed", round, page: nil) }
  let isRight = writeAndCheck(pages, before, mark: 1 << 57, every: 3, "parent", round, options)
  guard waitForChild(child).status == 0 else { return complain("the child failed", round, page: nil) }
  if let page = pages.firstWrongPage(before &+ 1 << 57, every: 3, other: before) {
    return complain("parent, after the child's end", round, page: page)
  }
  return isRight
}

/// The child's child starts with what the child wrote and then owns every page.
private func forkAgain(_ pages: Pages, _ before: UInt, _ round: UInt, _ options: Options) -> Bool {
  let grandchild = callSystem(SystemCallNumber.fork)
  if grandchild == 0 {
    if let page = pages.firstWrongPage(before &+ 1 << 56, every: 2, other: before) {
      exitProcess(complain("grandchild, at first", round, page: page) ? 0 : ExitStatus.mismatch)
    }
    let isRight = writeAndCheck(pages, before, mark: 1 << 58, every: 1, "grandchild", round, options)
    exitProcess(isRight ? 0 : ExitStatus.mismatch)
  }
  guard grandchild > 0, waitForChild(grandchild).status == 0 else {
    return complain("the grandchild failed", round, page: nil)
  }
  if let page = pages.firstWrongPage(before &+ 1 << 56, every: 2, other: before) {
    return complain("child, after the grandchild's end", round, page: page)
  }
  return true
}

private func writeAndCheck(
  _ pages: Pages, _ before: UInt, mark: UInt, every step: Int, _ who: StaticString, _ round: UInt,
  _ options: Options
) -> Bool {
  pages.write(before &+ mark, every: step)
  if options.yields { yieldProcessor() }
  guard let page = pages.firstWrongPage(before &+ mark, every: step, other: before) else { return true }
  return complain(who, round, page: page)
}

/// Prints what went wrong. Always false.
private func complain(_ what: StaticString, _ round: UInt, page: Int?) -> Bool {
  var line = TextLine()
  line.add("MISMATCH cow pid ")
  line.add(processIdentifier())
  line.add(" round ")
  line.add(round)
  line.add(": ")
  line.add(what)
  if let page {
    line.add(", page ")
    line.add(page)
  }
  line.write()
  return false
}
