import Testing

@testable import Core

/// What `body` writes, with enough memory.
func generated(_ body: (inout TextBuffer) -> Void) -> String {
  let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
  defer { memory.deallocate() }
  var text = TextBuffer(memory)
  body(&text)
  return String(decoding: memory[0..<text.count], as: UTF8.self)
}

@Suite struct TextBufferTests {
  @Test func numbersOfEveryBaseAndWidth() {
    let text = generated { text in
      text.put(Int64.min)
      text.put(" ")
      text.put(UInt64.max)
      text.put(7, width: 4)
      text.put(-7, width: 4)
      text.put(5, digits: 3)
      text.put(" ")
      text.put(hexadecimal: 0xABC, digits: 8)
      text.put(" ")
      text.put(hexadecimal: .max)
      text.put(" ")
      text.put(octal: 0o22, digits: 4)
    }
    #expect(
      text == "-9223372036854775808 18446744073709551615   7  -7005 00000abc ffffffffffffffff 0022")
  }

  @Test func whatHasNoRoomIsCountedAndNothingIsWrittenBehindTheEnd() {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 8)
    defer { memory.deallocate() }
    for index in 0..<8 { memory[index] = 0xEE }
    var text = TextBuffer(UnsafeMutableRawBufferPointer(rebasing: memory[0..<4]))
    text.put("abc")
    #expect(text.isComplete)
    text.put("defg")
    text.put(byte: 1)
    text.put(atMost: 100) { _ in 100 }
    #expect(!text.isComplete && text.needed == 108 && text.count == 4)
    #expect(Array(memory) == Array("abcd".utf8) + [0xEE, 0xEE, 0xEE, 0xEE])
  }

  @Test func namesStayOneWord() {
    let bytes = Array("a b\tc\nd\\e#".utf8)
    #expect(bytes.withUnsafeBytes { bytes in generated { $0.put(escaped: bytes) } } == #"a\040b\011c\012d\134e\043"#)
    #expect(bytes.withUnsafeBytes { bytes in generated { $0.put(onOneLine: bytes) } } == "a b\tc\\012d\\e#")
  }

  @Test func aUUIDHasItsVersionAndVariant() {
    #expect(generated { $0.put(uuid: .max, .max) } == "ffffffff-ffff-4fff-bfff-ffffffffffff")
    #expect(generated { $0.put(uuid: 0, 1) } == "00000000-0000-4000-8000-000000000001")
  }
}
