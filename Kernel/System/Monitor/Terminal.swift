import Core
import Machine

/// Reads lines that are typed on the console, with editing and the lines before.
struct Terminal {
  private var editor = LineEditor()

  /// Shows the prompt and waits for a line, which `withLine` then gives.
  @inline(never)
  mutating func readLine(prompt: StaticString) {
    editor.clear()
    show(prompt)
    while true {
      switch editor.handle(ConsoleInput.read()) {
      case .nothing: break
      case .added(let byte): withUnsafeBytes(of: byte) { Console.write($0) }
      case .erasedLast: show("\u{8} \u{8}")
      case .replaced(let oldCount):
        for _ in 0..<oldCount { show("\u{8} \u{8}") }
        editor.withLine { Console.write($0.bytes) }
      case .entered:
        show("\n")
        return
      case .cancelled:
        show("^C\n")
        show(prompt)
      case .refused: show("\u{7}")
      }
    }
  }

  /// Calls `body` with the line that was read.
  func withLine<Result>(_ body: (ByteView) -> Result) -> Result { editor.withLine(body) }

  private func show(_ text: StaticString) { Console.write(ByteView(text).bytes) }
}
