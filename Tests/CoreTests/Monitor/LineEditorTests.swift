import Testing

@testable import Core

@Suite struct LineEditorTests {
  private func text(_ editor: LineEditor) -> String {
    editor.withLine { String(decoding: $0.bytes, as: UTF8.self) }
  }

  private func type(_ keys: String, _ editor: inout LineEditor) -> [LineEditor.Effect] {
    keys.utf8.map { editor.handle($0) }
  }

  private func enter(_ line: String, _ editor: inout LineEditor) {
    #expect(type(line + "\r", &editor).last == .entered)
    #expect(text(editor) == line)
    editor.clear()
  }

  @Test func typedBytesMakeTheLine() {
    var editor = LineEditor()
    #expect(type("ab", &editor) == [.added(97), .added(98)])
    #expect(text(editor) == "ab")
  }

  @Test(arguments: ["\u{8}", "\u{7f}"])
  func backspaceErasesTheLastByteAndNothingBeforeTheLine(key: String) {
    var editor = LineEditor()
    #expect(type("ab" + key + "c", &editor)[2] == .erasedLast)
    #expect(text(editor) == "ac")
    #expect(type(key + key + key, &editor) == [.erasedLast, .erasedLast, .refused])
  }

  @Test func controlUErasesAllAndControlCGivesUp() {
    var editor = LineEditor()
    #expect(type("tour\u{15}", &editor).last == .replaced(oldCount: 4))
    #expect(text(editor) == "")
    #expect(type("tour\u{3}", &editor).last == .cancelled)
    #expect(text(editor) == "")
  }

  @Test func aReturnWithALineFeedEntersOnce() {
    var editor = LineEditor()
    #expect(type("a\r", &editor).last == .entered)
    editor.clear()
    #expect(editor.handle(10) == .nothing)
    #expect(editor.handle(10) == .entered)
  }

  @Test func aFullLineRefusesMore() {
    var editor = LineEditor()
    for _ in 0..<LineEditor.capacity { #expect(editor.handle(97) == .added(97)) }
    #expect(editor.handle(97) == .refused)
    #expect(editor.count == LineEditor.capacity)
  }

  @Test func arrowsWalkThroughTheLinesBefore() {
    var editor = LineEditor()
    enter("one", &editor)
    enter("two", &editor)
    #expect(type("x\u{1b}[A", &editor).last == .replaced(oldCount: 1))
    #expect(text(editor) == "two")
    _ = type("\u{1b}OA", &editor)
    #expect(text(editor) == "one")
    #expect(type("\u{1b}[A", &editor).last == .refused)
    _ = type("\u{1b}[B", &editor)
    #expect(text(editor) == "two")
    _ = type("\u{1b}[B", &editor)
    #expect(text(editor) == "")
    #expect(type("\u{1b}[B", &editor).last == .refused)
  }

  @Test func theSameLineTwiceIsKeptOnce() {
    var editor = LineEditor()
    for line in ["one", "two", "two"] { enter(line, &editor) }
    _ = type("\u{1b}[A\u{1b}[A", &editor)
    #expect(text(editor) == "one")
  }

  @Test func onlyTheNewestLinesAreKept() {
    var editor = LineEditor()
    for number in 0..<20 { enter("line\(number)", &editor) }
    for _ in 0..<LineEditor.historyLimit { _ = type("\u{1b}[A", &editor) }
    #expect(text(editor) == "line\(20 - LineEditor.historyLimit)")
    #expect(type("\u{1b}[A", &editor).last == .refused)
  }

  @Test func otherKeysLeaveTheLineAlone() {
    var editor = LineEditor()
    #expect(type("ab\u{1b}[C\u{1b}[3~\u{1}", &editor).last == .refused)
    #expect(editor.handle(0xFF) == .refused)
    #expect(text(editor) == "ab")
  }
}
