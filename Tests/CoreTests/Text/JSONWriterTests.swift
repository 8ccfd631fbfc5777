import Foundation
import Testing

@testable import Core

/// Keeps what is written.
private struct Buffer: ByteSink {
  var bytes: [UInt8] = []
  mutating func write(_ byte: UInt8) { bytes.append(byte) }
}

@Suite struct JSONWriterTests {
  private func written(_ body: (inout JSONWriter<Buffer>) -> Void) -> [UInt8] {
    var writer = JSONWriter(Buffer())
    body(&writer)
    return writer.sink.bytes
  }

  @Test func nestedArraysAndObjectsAreValid() throws {
    let bytes = written { writer in
      writer.beginArray()
      for number in 1...2 {
        writer.beginElement()
        writer.beginObject()
        writer.key("number")
        writer.number("\(number)")
        writer.key("list")
        writer.beginArray()
        writer.beginElement()
        writer.string("x")
        writer.beginElement()
        writer.number("-7")
        writer.endArray()
        writer.endObject()
      }
      writer.endArray()
    }
    let value = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [[String: Any]])
    #expect(value.count == 2)
    #expect(value[1]["number"] as? Int == 2)
    #expect((value[0]["list"] as? [Any])?.count == 2)
  }

  @Test func emptyValuesAreValid() throws {
    for bytes in [
      written { $0.beginArray(); $0.endArray() }, written { $0.beginObject(); $0.endObject() },
    ] {
      _ = try JSONSerialization.jsonObject(with: Data(bytes))
    }
  }

  @Test func quotesAndBackslashesAreEscapedAndControlBytesLeftOut() throws {
    let bytes = written { writer in
      writer.beginArray()
      writer.beginElement()
      writer.string("a\"b\\c\u{1}d")
      writer.endArray()
    }
    let value = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String])
    #expect(value == ["a\"b\\cd"])
  }
}
