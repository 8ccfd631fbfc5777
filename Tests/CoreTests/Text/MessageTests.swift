import Testing

@testable import Core

@Suite struct MessageTests {
  private func text(_ message: Message) -> String {
    String(decoding: (0..<message.count).map { message[$0] }, as: UTF8.self)
  }

  @Test func numbersOfEveryWidthAndSign() {
    #expect(text("\(0) \(-1) \(UInt64.max) \(Int64.min)") == "0 -1 18446744073709551615 -9223372036854775808")
    #expect(text("\(UInt8(200))\(Int8(-128))") == "200-128")
  }

  @Test func hexadecimalHasNoLeadingZeros() {
    #expect(text("\(hex: 0) \(hex: 0x10) \(hex: .max)") == "0x0 0x10 0xffffffffffffffff")
  }

  @Test func widthAlignsNumbersRightAndTextLeft() {
    #expect(text("[\(7, width: 4)][\(-7, width: 4)][\(12345, width: 4)]") == "[   7][  -7][12345]")
    let short: StaticString = "ab"
    let long: StaticString = "abcde"
    #expect(text("[\(short, width: 4)][\(long, width: 4)]") == "[ab  ][abcde]")
  }

  @Test func messagesNestAndForeignBytesBecomeQuestionMarks() {
    let inner: Message = "b\(2)"
    #expect(text("a\(inner)c") == "ab2c")
    let bytes: [UInt8] = [65, 10, 200, 66]
    #expect(bytes.withUnsafeBytes { text("\($0)") } == "A??B")
  }

  @Test func textBeyondTheCapacityIsCut() {
    var long: Message = "0123456789"
    for _ in 0..<6 { long = "\(long)\(long)" }
    #expect(long.count == Message.capacity)
  }
}
