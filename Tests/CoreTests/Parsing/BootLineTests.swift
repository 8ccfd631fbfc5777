import Core
import Testing

@Suite struct BootLineTests {
  struct Warning: Equatable {
    let kind: BootLineWarning.Kind
    let word: String
    let allowed: String
  }

  /// Parses a line and hands over what was found while the line's bytes exist.
  func parse(_ line: String, _ check: (BootOptions, [Warning]) -> Void) {
    withView(Array(line.utf8)) { view in
      var warnings: [Warning] = []
      let options = BootOptions(parsing: view) {
        warnings.append(Warning(kind: $0.kind, word: $0.word.string, allowed: "\($0.allowed)"))
      }
      check(options, warnings)
    }
  }

  @Test func everyOptionIsUnderstood() {
    let line = """
      fpu.strategy=lazy fpu.save=xsavec cpus=4 init=/bin/tour selftest=yield selftest.long poweroff \
      seed=0xDEADBEEF -- one two
      """
    parse(line) { options, warnings in
      #expect(warnings.isEmpty)
      #expect(options.strategy == .lazy)
      #expect(options.saveInstruction == .xsavec)
      #expect(options.maximumCPUs == 4)
      #expect(options.initPath?.string == "/bin/tour")
      #expect(options.run == .selftest)
      #expect(options.selfTestFilter?.string == "yield")
      #expect(options.runsLongSelfTests)
      #expect(options.powersOffAfterRun)
      #expect(options.seed == 0xDEAD_BEEF)
      #expect(options.initArguments?.string == "one two")
    }
  }

  @Test(arguments: ["", "   ", "\t\n"])
  func emptyLineLeavesEveryChoiceToTheKernel(line: String) {
    parse(line) { options, warnings in
      #expect(warnings.isEmpty)
      #expect(options.strategy == nil && options.saveInstruction == nil && options.maximumCPUs == nil)
      #expect(options.initPath == nil && options.run == nil && options.selfTestFilter == nil)
      #expect(options.seed == nil && options.initArguments == nil)
      #expect(!options.runsLongSelfTests && !options.powersOffAfterRun)
    }
  }

  @Test(arguments: FPUStrategy.allCases)
  func eachStrategyHasItsWord(strategy: FPUStrategy) {
    parse("fpu.strategy=\(strategy.name)") { options, warnings in
      #expect(options.strategy == strategy && warnings.isEmpty)
    }
  }

  @Test(arguments: SaveInstruction.allCases)
  func eachSaveInstructionHasItsWord(instruction: SaveInstruction) {
    parse("fpu.save=\(instruction.name)") { options, warnings in
      #expect(options.saveInstruction == instruction && warnings.isEmpty)
    }
  }

  @Test(arguments: BootRun.allCases)
  func eachRunHasItsWord(run: BootRun) {
    parse("run=\(run.name)") { options, warnings in
      #expect(options.run == run && warnings.isEmpty)
    }
  }

  @Test(arguments: [("selftest", BootRun.selftest), ("tour", .tour), ("bench", .bench)])
  func bareWordsChooseTheRun(word: String, run: BootRun) {
    parse(word) { options, warnings in
      #expect(options.run == run && warnings.isEmpty && options.selfTestFilter == nil)
    }
  }

  @Test(arguments: [
    "init=\"/my programs/a\"", "\"init=/my programs/a\"", "cpus=2 init=\"/my programs/a\" seed=1",
  ])
  func quotesKeepSpacesTogether(line: String) {
    parse(line) { options, warnings in
      #expect(options.initPath?.string == "/my programs/a" && warnings.isEmpty)
    }
  }

  @Test func onlyTheExactWordEndsTheOptions() {
    parse("tour --cpus=2 cpus=3 \"--\" cpus=4 --  a \"b c\" -- d ") { options, warnings in
      #expect(options.maximumCPUs == 4)
      #expect(options.initArguments?.string == "a \"b c\" -- d ")
      #expect(warnings.map(\.kind) == [.duplicate, .unknownWord, .unknownWord])
    }
    parse("cpus=2 --") { options, warnings in
      #expect(options.initArguments?.isEmpty == true && warnings.isEmpty)
    }
  }

  @Test func unknownWordIsNamedAndParsingGoesOn() {
    parse("fpu.startegy=lazy Tour tours = \"\" cpus=3 run=tour") { options, warnings in
      #expect(warnings.map(\.word) == ["fpu.startegy=lazy", "=", "\"\"", "Tour", "tours"])
      #expect(warnings.allSatisfy { $0.kind == .unknownWord && $0.allowed.contains("fpu.strategy=") })
      #expect(options.maximumCPUs == 3)
    }
  }

  @Test(arguments: [
    "fpu.strategy=eagerly", "fpu.strategy=", "fpu.strategy", "fpu.save=xsave64", "cpus=0", "cpus=65",
    "cpus=-1",
    "cpus=99999999999999999999999", "cpus", "init=", "init", "run=", "run=nothing", "run", "selftest=",
    "tour=1", "bench=", "poweroff=yes", "selftest.long=1", "seed=", "seed=0xx", "seed=18446744073709551616",
    "init=\"/a\"b", "init=/a\"b c\"d", "ini\"t=/a\"", "rdinit=",
  ])
  func badValueIsNamedAndLeavesTheDefault(word: String) {
    parse("\(word) seed=7") { options, warnings in
      #expect(warnings.count == 1)
      let isMisquotedName = word.hasPrefix("ini\"")
      #expect(warnings.first?.kind == (isMisquotedName ? .unknownWord : .badValue))
      #expect(warnings.first?.word == word)
      #expect(warnings.first?.allowed.isEmpty == false)
      #expect(options.strategy == nil && options.saveInstruction == nil && options.maximumCPUs == nil)
      #expect(options.initPath == nil && options.run == nil && options.selfTestFilter == nil)
      #expect(!options.runsLongSelfTests && !options.powersOffAfterRun)
      #expect(options.seed == 7)
    }
  }

  @Test(arguments: [(1, 1), (64, 64)])
  func boundsOfCPUsAreAllowed(word: Int, number: Int) {
    parse("cpus=\(word)") { options, warnings in
      #expect(options.maximumCPUs == number && warnings.isEmpty)
    }
  }

  @Test func laterDuplicateCountsAndIsReported() {
    parse("cpus=2 cpus=3 selftest run=tour") { options, warnings in
      #expect(options.maximumCPUs == 3)
      #expect(options.run == .tour)
      #expect(warnings.map(\.kind) == [.duplicate, .duplicate])
      #expect(warnings.map(\.word) == ["cpus=3", "run=tour"])
    }
  }

  @Test func badValueDoesNotMakeTheNextWordADuplicate() {
    parse("cpus=none cpus=3") { options, warnings in
      #expect(options.maximumCPUs == 3)
      #expect(warnings.map(\.kind) == [.badValue])
    }
  }

  /// What init gets: arguments as they are, and variables as `name=value`.
  func wordsForInit(_ options: BootOptions) -> (arguments: [String], variables: [String]) {
    var result = (arguments: [String](), variables: [String]())
    var words = options.initWords
    while let word = words.next() {
      switch word {
      case .argument(let text): result.arguments.append(text.string)
      case .variable(let name, let value): result.variables.append("\(name.string)=\(value.string)")
      }
    }
    return result
  }

  @Test(arguments: ["", "run=init ", "init=/bin/sh "])
  func wordsThatTheKernelDoesNotKnowGoToInit(start: String) {
    parse(start + "single HOME=/root cpus=2 A=\"b c\" \"D=e f\" empty= -- x=1 \"y z\" cpus=3") {
      options, warnings in
      #expect(warnings.isEmpty && options.runsInit && options.maximumCPUs == 2)
      let words = wordsForInit(options)
      #expect(words.arguments == ["single", "x=1", "y z", "cpus=3"])
      #expect(words.variables == ["HOME=/root", "A=b c", "D=e f", "empty="])
    }
  }

  @Test func wordsOfLinuxForItsKernelAreNeitherWarnedOfNorPassedOn() {
    parse("console=ttyS0,115200 quiet panic=-1 root=/dev/ram0 rw rdinit=/bin/sh") { options, warnings in
      #expect(warnings.isEmpty && options.ramDiskInitPath?.string == "/bin/sh" && options.initPath == nil)
      let words = wordsForInit(options)
      #expect(words.arguments.isEmpty && words.variables.isEmpty)
    }
  }

  @Test func optionsOfPartsOfTheKernelAreNeverInits() {
    parse("fpu.startegy=lazy usbcore.autosuspend=1") { options, warnings in
      #expect(warnings.map(\.word) == ["fpu.startegy=lazy", "usbcore.autosuspend=1"])
      #expect(wordsForInit(options).variables.isEmpty)
    }
  }

  @Test func quoteWithoutEndCostsOneWordOnly() {
    parse("tour init=\"/my programs/a cpus=5 -- x") { options, warnings in
      #expect(warnings.map(\.kind) == [.unterminatedQuote, .unknownWord])
      #expect(warnings.map(\.word) == ["init=\"/my", "programs/a"])
      #expect(options.initPath == nil)
      #expect(options.maximumCPUs == 5)
      #expect(options.initArguments?.string == "x")
    }
  }

  @Test func everyWarningSaysWhatItIs() {
    for kind in BootLineWarning.Kind.allCases { #expect(kind.message.utf8CodeUnitCount > 0) }
  }

  @Test func truncatedAndDamagedLinesNeverTrap() {
    let line = Array("fpu.strategy=lazy init=\"/a b\" cpus=0x10 \"seed=1\" selftest=x -- \"q r\" -- s".utf8)
    var sum: UInt32 = 0
    func parse(_ view: ByteView) {
      let options = BootOptions(parsing: view) { sum &+= touch($0.word) }
      var initWords = options.initWords
      while let word = initWords.next() {
        switch word {
        case .argument(let text): sum &+= touch(text)
        case .variable(let name, let value): sum &+= touch(name) &+ touch(value)
        }
      }
      sum &+= touch(options.initPath) &+ touch(options.selfTestFilter)
      if let arguments = options.initArguments {
        var words = BootLineWords(arguments)
        while let word = words.next() { sum &+= touch(word.text) &+ touch(word.name) &+ touch(word.value) }
      }
    }
    forEachTruncation(of: line) { parse($1) }
    forEachMutation(of: line, count: 20_000, seed: 1) { parse($0) }
    #expect(sum != 0)
  }
}
