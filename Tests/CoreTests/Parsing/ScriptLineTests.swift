import Core
import Testing

@Suite struct ScriptLineTests {
  /// Interpreter and argument of a file; nil where it is refused.
  private static func parse(_ text: String, paddedTo size: Int = 0) -> [String?]? {
    var bytes = Array(text.utf8)
    while bytes.count < size { bytes.append(UInt8(ascii: "x")) }
    return bytes.withUnsafeBytes { buffer in
      ScriptLine(ByteView(buffer)).map { line in
        [String(decoding: line.interpreter.bytes, as: UTF8.self)]
          + [line.argument.map { String(decoding: $0.bytes, as: UTF8.self) }]
      }
    }
  }

  @Test(arguments: [
    ("#!/bin/sh\necho", "/bin/sh", nil), ("#! \t/bin/sh  \nx", "/bin/sh", nil), ("#!/bin/sh", "/bin/sh", nil),
    ("#!/bin/awk -f\n", "/bin/awk", "-f"), ("#!/usr/bin/env  a b\t c \n", "/usr/bin/env", "a b\t c"),
    ("#!sh\0rest\n", "sh", nil), ("#!/bin/sh -e\r\n", "/bin/sh", "-e\r"),
  ] as [(String, String, String?)])
  func lineNamesInterpreterAndOneArgument(_ text: String, _ interpreter: String, _ argument: String?) {
    #expect(Self.parse(text) == [interpreter, argument])
  }

  @Test(arguments: ["", "#", "#!", "#!\n", "#!   \t \nfoo", "##!/bin/sh\n", "#!\0/bin/sh\n", " #!/bin/sh"])
  func lineWithoutInterpreterIsRefused(_ text: String) { #expect(Self.parse(text) == nil) }

  @Test func pathThatMayBeCutOffIsRefused() {
    #expect(Self.parse("#!/" + String(repeating: "a", count: 253), paddedTo: 300) == nil)
    #expect(Self.parse("#!/" + String(repeating: "a", count: 252) + " b", paddedTo: 300) != nil)
    #expect(Self.parse("#!/" + String(repeating: "a", count: 200)) != nil)
  }

  @Test func argumentIsCutOffAtTheLimit() {
    let found = Self.parse("#!/bin/sh " + String(repeating: "b", count: 400))
    #expect(found?[1]?.count == 255 - 10)
  }
}
