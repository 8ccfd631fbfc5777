import Testing

@testable import Core

/// Raw mode, translation, signals, flow control and output.
@Suite struct LineDisciplineTests {
  @Test func inRawModeEachByteIsReadable() {
    let terminal = TerminalFixture {
      $0.local = []
      $0.input = []
    }
    terminal.type("a\r\n\u{3}\u{13}")
    #expect(terminal.read() == "a\r\n\u{3}\u{13}")
    #expect(terminal.effects.readableCount == 5)
    #expect(terminal.effects.signals.isEmpty)
    #expect(terminal.screen() == "")
  }

  private static let translations: [(TerminalInputFlags, String, String)] = [
    (.returnToNewline, "a\rb\n", "a\nb\n"),
    (.newlineToReturn, "a\rb\n", "a\rb\r"),
    (.ignoreReturn, "a\rb\n", "ab\n"),
    ([.ignoreReturn, .returnToNewline], "a\rb\n", "ab\n"),
    (.toLowercase, "AbZ[", "abz["),
    ([], "A\r\n", "A\r\n"),
  ]

  @Test(arguments: translations)
  func inputIsTranslated(flags: TerminalInputFlags, keys: String, read: String) {
    let terminal = TerminalFixture {
      $0.local.remove([.canonical, .echo])
      $0.input = flags
    }
    terminal.type(keys)
    #expect(terminal.read() == read)
  }

  @Test func stripTakesTheHighBit() {
    let terminal = TerminalFixture {
      $0.local = []
      $0.input = .strip
    }
    terminal.type([0xE1])
    #expect(terminal.read() == "a")
  }

  @Test func aMarkedBreakIsTellableFromTheByteItself() {
    let terminal = TerminalFixture {
      $0.local = []
      $0.input = .markErrors
    }
    terminal.type([0xFF])
    terminal.discipline.receiveBreak(&terminal.effects)
    var target = [UInt8](repeating: 9, count: 8)
    let result = target.withUnsafeMutableBytes { terminal.discipline.read(into: $0) }
    #expect(target[0..<result.count] == [0xFF, 0xFF, 0xFF, 0, 0])
  }

  @Test func aBreakInterruptsOrIsIgnored() {
    let interrupts = TerminalFixture { $0.input.insert(.breakInterrupts) }
    interrupts.discipline.receiveBreak(&interrupts.effects)
    #expect(interrupts.effects.signals == [.interrupt])
    let ignores = TerminalFixture { $0.input.insert([.breakInterrupts, .ignoreBreak]) }
    ignores.discipline.receiveBreak(&ignores.effects)
    #expect(ignores.effects.signals == [])
  }

  // MARK: Signals

  @Test(arguments: [
    (UInt8(3), TerminalSignal.interrupt, "^C"), (28, .quit, "^\\"), (26, .stop, "^Z"),
  ])
  func keysSendSignalsAndEmptyTheBuffers(key: UInt8, signal: TerminalSignal, echo: String) {
    let terminal = TerminalFixture()
    terminal.type("one\ntwo")
    terminal.type([key])
    #expect(terminal.effects.signals == [signal])
    #expect(terminal.effects.log == ["signal", "discard"])
    #expect(terminal.read() == nil)
    #expect(terminal.screen() == echo)
    terminal.type("x\n")
    #expect(terminal.read() == "x\n")
  }

  @Test func withNOFLSHASignalLeavesTheBuffers() {
    let terminal = TerminalFixture { $0.local.insert(.noFlush) }
    terminal.type("one\ntwo\u{3}\n")
    #expect(terminal.effects.log == ["signal"])
    #expect(terminal.read() == "one\n")
    #expect(terminal.read() == "two\n")
  }

  @Test func withoutISIGTheKeysAreText() {
    let terminal = TerminalFixture { $0.local.remove(.signals) }
    terminal.type("\u{3}\u{1A}\n")
    #expect(terminal.effects.signals.isEmpty)
    #expect(terminal.read() == "\u{3}\u{1A}\n")
  }

  // MARK: Flow control

  @Test func stopAndStartHoldOutputBack() {
    let terminal = TerminalFixture()
    terminal.type("\u{13}\u{13}a")
    #expect(terminal.isStopped)
    terminal.type("\u{11}\u{11}\n")
    #expect(!terminal.isStopped)
    #expect(terminal.effects.log == ["stopped", "started"])
    #expect(terminal.read() == "a\n")
  }

  @Test func anyCharacterStartsWithIXANY() {
    let terminal = TerminalFixture { $0.input.insert(.anyCharacterStarts) }
    terminal.type("\u{13}x")
    #expect(terminal.effects.log == ["stopped", "started"])
    #expect(terminal.readableCount == 0)
    terminal.type("\n")
    #expect(terminal.read() == "x\n")
  }

  @Test func aSignalStartsOutput() {
    let terminal = TerminalFixture()
    terminal.type("\u{13}\u{3}")
    #expect(!terminal.isStopped)
  }

  @Test func stopByCallIsNotEndedByAKey() {
    let terminal = TerminalFixture()
    terminal.discipline.stopByCall(&terminal.effects)
    terminal.type("\u{11}")
    #expect(terminal.isStopped)
    terminal.discipline.startByCall(&terminal.effects)
    #expect(!terminal.isStopped)
  }

  @Test func clearingIXONStartsOutput() {
    let terminal = TerminalFixture()
    terminal.type("\u{13}")
    #expect(terminal.change { $0.input.remove(.flowControl) })
    #expect(!terminal.isStopped)
  }

  @Test func theSenderIsAskedToWaitAndToGoOn() {
    let terminal = TerminalFixture {
      $0.local = []
      $0.input = .sendsFlowControl
    }
    terminal.type(String(repeating: "x", count: 3968))
    #expect(terminal.effects.urgent == [])
    terminal.type("x")
    #expect(terminal.effects.urgent == [19])
    _ = terminal.read(3000)
    terminal.discipline.restartSender(&terminal.effects)
    #expect(terminal.effects.urgent == [19])
    _ = terminal.read(900)
    terminal.discipline.restartSender(&terminal.effects)
    #expect(terminal.effects.urgent == [19, 17])
  }

  // MARK: Output

  private static let treatments: [(TerminalOutputFlags, String, String)] = [
    ([.process, .newlineToReturnNewline], "a\nb\rc", "a\r\nb\rc"),
    ([], "a\nb", "a\nb"),
    ([.newlineToReturnNewline], "a\n", "a\n"),
    ([.process, .returnToNewline], "a\rb", "a\nb"),
    ([.process, .noReturnAtColumnZero], "\ra\r\rb", "a\rb"),
    ([.process, .newlineReturns, .noReturnAtColumnZero], "a\n\rb", "a\nb"),
    ([.process, .toUppercase], "aBz{", "ABZ{"),
    ([.process, .expandTabs], "a\tbc\t\u{8}\t.", "a       bc      \u{8} ."),
  ]

  @Test(arguments: treatments)
  func outputIsTreated(flags: TerminalOutputFlags, written: String, screen: String) {
    let terminal = TerminalFixture { $0.output = flags }
    #expect(terminal.write(written) == written.utf8.count)
    #expect(terminal.screen() == screen)
  }

  @Test func outputWithoutRoomIsLeftToTheWriter() {
    let terminal = TerminalFixture()
    terminal.effects.capacity = 3
    #expect(terminal.write("ab\ncd") == 2)
    terminal.effects.bytes = []
    #expect(terminal.write("\ncd") == 2)
    #expect(terminal.screen() == "\r\nc")
  }

  @Test func aCharacterOfUTF8TakesOneColumn() {
    let terminal = TerminalFixture {
      $0.input.insert(.utf8)
      $0.output.insert(.expandTabs)
    }
    _ = terminal.write("äöü\t.")
    #expect(terminal.screen() == "äöü     .")
  }

  // MARK: Waiting for bytes

  @Test(arguments: [
    (UInt8(1), UInt8(0), 1, Int?.none, Int?.none), (5, 0, 5, nil, nil), (5, 2, 5, nil, 2), (0, 3, 1, 3, 3),
    (0, 0, 1, 0, 0),
  ])
  func minimumAndTimeMakeFourCases(
    least: UInt8, time: UInt8, minimum: Int, first: Int?, next: Int?
  ) {
    let terminal = TerminalFixture {
      $0.local = []
      $0[.minimum] = least
      $0[.time] = time
    }
    let plan = TerminalReadPlan(terminal.discipline.attributes)
    #expect(plan.minimum == minimum)
    #expect(plan.firstDelay == first)
    #expect(plan.nextDelay == next)
  }

  @Test func pollWaitsForTheMinimumWithoutATimer() {
    let terminal = TerminalFixture {
      $0.local = []
      $0[.minimum] = 3
    }
    terminal.type("ab")
    #expect(!terminal.isReadableForPoll)
    terminal.type("c")
    #expect(terminal.isReadableForPoll)
  }

  // MARK: Structures

  @Test func attributesSurviveTheirStructures() {
    var attributes = TerminalAttributes(
      control: TerminalAttributes.usualControl | TerminalAttributes.speed115200)
    #expect(attributes.outputSpeed == 115_200)
    var bytes = [UInt8](repeating: 0xEE, count: 44)
    bytes.withUnsafeMutableBytes { attributes.encode(.withSpeeds, into: $0) }
    #expect(bytes[0] == 0 && bytes[1] == 5 && bytes[17] == 3 && bytes[36] == 0 && bytes[37] == 0xC2)
    bytes[17] = 7
    bytes.withUnsafeBytes { attributes.decode(.plain, from: $0) }
    #expect(attributes[.interrupt] == 7)
    #expect(attributes.local.contains(.canonical))
    var short = [UInt8](repeating: 0, count: 18)
    short.withUnsafeMutableBytes { attributes.encode(.short, into: $0) }
    #expect(short[9] == 7)
  }
}
