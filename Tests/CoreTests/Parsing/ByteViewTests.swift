import Core
import Testing

@Suite struct ByteViewTests {
  @Test func integersAreLittleEndianAndMayBeUnaligned() {
    withView([1, 2, 3, 4, 5, 6, 7, 8, 9]) { view in
      #expect(view.integer(at: 0, as: UInt8.self) == 1)
      #expect(view.integer(at: 1, as: UInt16.self) == 0x0302)
      #expect(view.integer(at: 3, as: UInt32.self) == 0x0706_0504)
      #expect(view.integer(at: 1, as: UInt64.self) == 0x0908_0706_0504_0302)
    }
  }

  @Test func readsThatLeaveTheViewGiveNil() {
    withView([1, 2, 3, 4]) { view in
      #expect(view.integer(at: 1, as: UInt32.self) == nil)
      #expect(view.integer(at: 4, as: UInt8.self) == nil)
      #expect(view.integer(at: 0, as: UInt64.self) == nil)
      #expect(view.integer(at: -1, as: UInt8.self) == nil)
      #expect(view.integer(at: .max, as: UInt16.self) == nil)
      #expect(view.integer(at: .min, as: UInt16.self) == nil)
      #expect(view.slice(at: 0, count: 5) == nil)
      #expect(view.slice(at: 3, count: 2) == nil)
      #expect(view.slice(at: 5, count: 0) == nil)
      #expect(view.slice(at: 0, count: -1) == nil)
      #expect(view.slice(at: -1, count: 1) == nil)
      #expect(view.slice(at: .max, count: .max) == nil)
      #expect(view.slice(at: 1, count: .max) == nil)
      #expect(view.suffix(from: 5) == nil)
      #expect(view.suffix(from: -1) == nil)
    }
  }

  @Test func sliceKeepsItsOwnBounds() {
    withView([1, 2, 3, 4, 5]) { view in
      let slice = view.slice(at: 1, count: 2)
      #expect(slice.map { Array($0.bytes) } == [2, 3])
      #expect(slice?.integer(at: 1, as: UInt16.self) == nil)
      #expect(view.slice(at: 5, count: 0)?.isEmpty == true)
    }
  }

  @Test func emptyViewHasNothing() {
    let view = ByteView(UnsafeRawBufferPointer(start: nil, count: 0))
    #expect(view.count == 0)
    #expect(view.base == nil)
    #expect(view.integer(at: 0, as: UInt8.self) == nil)
    #expect(view.slice(at: 0, count: 0)?.count == 0)
    #expect(view.cString(at: 0) == nil)
    #expect(view == "")
    #expect(view.hasPrefix(""))
    #expect(view.unsignedInteger == nil)
  }

  @Test func cStringStopsAtItsNULAndNeedsOne() {
    withView(Array("ab\0cd".utf8)) { view in
      #expect(view.cString(at: 0)?.string == "ab")
      #expect(view.cString(at: 2)?.isEmpty == true)
      #expect(view.cString(at: 3) == nil)
      #expect(view.cString(at: 5) == nil)
      #expect(view.cString(at: 6) == nil)
    }
  }

  @Test func textComparesByteByByte() {
    withView(Array("init=/é".utf8)) { view in
      #expect(view == "init=/é")
      #expect(view != "init=/e")
      #expect(view != "init=/")
      #expect(view.hasPrefix("init="))
      #expect(view.hasPrefix(""))
      #expect(!view.hasPrefix("init=/é!"))
      #expect(view.contains(ByteView("t=")))
      #expect(view.contains(ByteView("")))
      #expect(!view.contains(ByteView("ti")))
      #expect(view.slice(at: 0, count: 1)! == "i")
      #expect(view == ByteView("init=/é"))
    }
  }

  @Test(arguments: [
    ("0", 0), ("42", 42), ("0x2A", 42), ("0X2a", 42), ("18446744073709551615", UInt64.max),
    ("0xffffffffffffffff", UInt64.max), ("007", 7),
  ])
  func numbersAreDecimalOrHexadecimal(text: String, number: UInt64) {
    withView(Array(text.utf8)) { #expect($0.unsignedInteger == number) }
  }

  @Test(arguments: [
    "", "0x", "-1", "+1", "1 ", "12a", "0xg", "18446744073709551616", "99999999999999999999",
    "0x10000000000000000", "1/", "1:", "0x@", "0x`",
  ])
  func textThatIsNoNumberGivesNil(text: String) {
    withView(Array(text.utf8)) { #expect($0.unsignedInteger == nil) }
  }
}
