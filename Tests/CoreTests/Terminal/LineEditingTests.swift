import Testing

@testable import Core

/// Canonical mode. The screens are those that Linux gives for the same keys.
@Suite struct LineEditingTests {
  @Test func aLineIsReadableFromItsNewlineOn() {
    let terminal = TerminalFixture()
    terminal.type("ab")
    #expect(terminal.read() == nil)
    #expect(terminal.effects.readableCount == 0)
    terminal.type("c\r")
    #expect(terminal.effects.readableCount == 1)
    #expect(terminal.readableCount == 4)
    #expect(terminal.read() == "abc\n")
    #expect(terminal.read() == nil)
    #expect(terminal.screen() == "abc\r\n")
  }

  @Test func aNewlineThatEndsNoLineIsShownAsAControlCharacter() {
    let terminal = TerminalFixture()
    terminal.type("\u{16}\na\n")
    #expect(terminal.read() == "\na\n")
    #expect(terminal.screen() == "^\u{8}^Ja\r\n")
    let raw = TerminalFixture { $0.local.remove(.canonical) }
    raw.type("\n\r")
    #expect(raw.read() == "\n\n")
    #expect(raw.screen() == "^J\r\n")
  }

  @Test func oneReadGivesOneLineOrWhatOfItFits() {
    let terminal = TerminalFixture()
    terminal.type("one\ntwo\n")
    #expect(terminal.read(3) == "one")
    #expect(terminal.read() == "\n")
    #expect(terminal.read() == "two\n")
  }

  @Test func endOfFileEndsALineAndAloneTheInput() {
    let terminal = TerminalFixture()
    terminal.type("abc\u{4}\u{4}")
    #expect(terminal.readableCount == 3)
    #expect(terminal.read() == "abc")
    #expect(terminal.read() == "")
    #expect(terminal.read() == nil)
    #expect(terminal.screen() == "abc")
  }

  @Test func endOfFileIsGoneWithTheLastByteBeforeIt() {
    let terminal = TerminalFixture()
    terminal.type("abc\u{4}")
    #expect(terminal.read(3) == "abc")
    #expect(terminal.read() == nil)
  }

  @Test(arguments: [
    ("ab\u{7F}c\n", "ac\n", "ab\u{8} \u{8}c\r\n"),
    ("\u{7F}c\n", "c\n", "c\r\n"),
    ("foo bar_1 \u{17}Q\n", "foo Q\n", "foo bar_1 " + String(repeating: "\u{8} \u{8}", count: 6) + "Q\r\n"),
    ("ab\u{15}c\n", "c\n", "ab\u{8} \u{8}\u{8} \u{8}c\r\n"),
    (
      "a\tb\u{7F}\u{7F}\u{7F}Q\n", "Q\n",
      "a\tb\u{8} \u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8} \u{8}Q\r\n"
    ),
    (
      "ab\u{16}\u{3}c\u{12}d\u{15}e\n", "e\n",
      "ab^\u{8}^Cc^R\r\nab^Ccd" + String(repeating: "\u{8} \u{8}", count: 6) + "e\r\n"
    ),
  ])
  func keysEditTheLineAndItsPicture(keys: String, line: String, screen: String) {
    let terminal = TerminalFixture()
    terminal.type(keys)
    #expect(terminal.read() == line)
    #expect(terminal.screen() == screen)
  }

  @Test func erasingATabKnowsWhereTheLineBegan() {
    let terminal = TerminalFixture()
    _ = terminal.write("$ ")
    terminal.type("a\t")
    _ = terminal.screen()
    terminal.type("\u{7F}")
    #expect(terminal.screen() == "\u{8}\u{8}\u{8}\u{8}\u{8}")
  }

  @Test func aCharacterOfUTF8IsErasedAsAWhole() {
    let terminal = TerminalFixture { $0.input.insert(.utf8) }
    terminal.type("aä€\u{7F}\u{7F}b\n")
    #expect(terminal.read() == "ab\n")
    #expect(terminal.screen() == "aä€\u{8} \u{8}\u{8} \u{8}b\r\n")
  }

  @Test func aWordIsErasedWithItsAccents() {
    let terminal = TerminalFixture { $0.input.insert(.utf8) }
    terminal.type("a caf\u{E9}s\u{17}\n")
    #expect(terminal.read() == "a \n")
    #expect(terminal.screen() == "a caf\u{E9}s" + String(repeating: "\u{8} \u{8}", count: 5) + "\r\n")
  }

  @Test func withoutEchoNothingIsShownButANewlineWhereAskedFor() {
    let silent = TerminalFixture { $0.local.remove(.echo) }
    silent.type("secret\u{7F}\u{15}x\n")
    #expect(silent.screen() == "")
    #expect(silent.read() == "x\n")
    let newline = TerminalFixture {
      $0.local.remove(.echo)
      $0.local.insert(.echoNewline)
    }
    newline.type("secret\n")
    #expect(newline.screen() == "\r\n")
  }

  @Test func killWithoutErasingShowsItsKeyAndStartsALine() {
    let terminal = TerminalFixture { $0.local.remove(.echoKillErases) }
    terminal.type("ab\u{15}c\n")
    #expect(terminal.read() == "c\n")
    #expect(terminal.screen() == "ab^U\r\nc\r\n")
  }

  @Test func eraseWithoutErasingShowsItsKey() {
    let terminal = TerminalFixture { $0.local.remove(.echoErase) }
    terminal.type("ab\u{7F}\n")
    #expect(terminal.screen() == "ab^?\r\n")
  }

  @Test func aPrintingTerminalShowsWhatIsErasedBetweenSlashes() {
    let terminal = TerminalFixture { $0.local.insert(.echoErasedText) }
    terminal.type("abc\u{7F}\u{7F}d\n")
    #expect(terminal.read() == "ad\n")
    #expect(terminal.screen() == "abc\\cb/d\r\n")
  }

  @Test func otherDelimitersEndALineAndBelongToIt() {
    let terminal = TerminalFixture {
      $0[.endOfLine] = UInt8(ascii: ";")
      $0[.secondEndOfLine] = UInt8(ascii: "!")
    }
    terminal.type("a;b!")
    #expect(terminal.read() == "a;")
    #expect(terminal.read() == "b!")
    #expect(terminal.screen() == "a;b!")
  }

  @Test func aLineIsCutAt4095BytesAndCanStillBeEnded() {
    let terminal = TerminalFixture()
    terminal.type(String(repeating: "x", count: 5000))
    #expect(terminal.read() == nil)
    #expect(terminal.hasRoom)
    terminal.type("\n")
    #expect(terminal.read() == String(repeating: "x", count: 4095) + "\n")
    #expect(terminal.effects.bytes.count == 5002)
  }

  @Test func senderWaitsWhileWholeLinesFillTheBuffer() {
    let terminal = TerminalFixture()
    for _ in 0..<4095 where terminal.hasRoom { terminal.type("\n") }
    #expect(!terminal.hasRoom)
    #expect(terminal.read() == "\n")
    #expect(terminal.hasRoom)
  }

  @Test func keysWithoutIEXTENAreText() {
    let terminal = TerminalFixture { $0.local.remove(.extended) }
    terminal.type("a\u{16}\u{17}\n")
    #expect(terminal.read() == "a\u{16}\u{17}\n")
    #expect(terminal.screen() == "a^V^W\r\n")
  }

  @Test func aKeyThatIsSetToZeroIsDisabled() {
    let terminal = TerminalFixture { $0[.erase] = 0 }
    terminal.type("a\u{7F}\u{0}\n")
    #expect(terminal.read() == "a\u{7F}\u{0}\n")
  }

  @Test func theChangeToCanonicalModeMakesALineOfWhatWaits() {
    let terminal = TerminalFixture { $0.local.remove(.canonical) }
    terminal.type("hello")
    _ = terminal.change { $0.local.insert(.canonical) }
    #expect(terminal.read() == "hello")
    #expect(terminal.read() == nil)
  }

  @Test func theChangeFromCanonicalModeMakesAnUnfinishedLineReadable() {
    let terminal = TerminalFixture()
    terminal.type("wor\u{4}ld")
    _ = terminal.change { $0.local.remove(.canonical) }
    #expect(terminal.read() == "wor\u{0}ld")
  }
}
