import Testing

@testable import Core

@Suite struct MappingTextTests {
  private func parse(_ text: StaticString) -> Range<UInt64>? {
    MappingName.parse(ByteView(text)).map { $0.start..<max($0.start, $0.end) }
  }

  @Test func nameOfAMappingHasNoMoreThanItsAddresses() {
    #expect(parse("1000-2000") == 0x1000..<0x2000)
    #expect(parse("0-1") == 0..<1)
    #expect(parse("7FFFabc000-7fffABD000") == 0x7F_FFAB_C000..<0x7F_FFAB_D000)
    #expect(parse("ffffffffffff0000-ffffffffffffffff") == 0xFFFF_FFFF_FFFF_0000..<UInt64.max)
    let wrong: [StaticString] = [
      "", "-", "1000", "1000-", "-1000", "01000-2000", "1000-02000", "00-1", " 1000-2000", "1000 -2000", "1000- 2000",
      "1000-2000 ", "0x1000-2000", "1000-2000-", "1000--2000", "+1000-2000", "10000000000000000-2000",
      "1000-10000000000000000", "1000-2000g",
    ]
    for name in wrong { #expect(parse(name) == nil) }
  }

  @Test func nameOfAMappingIsWrittenAsItIsRead() {
    #expect(generated { MappingName.write(0x1000..<0x7FFF_FFFF_F000, to: &$0) } == "1000-7ffffffff000")
    let longest = generated { MappingName.write(0xFFFF_FFFF_FFFF_F000..<0xFFFF_FFFF_FFFF_FFFF, to: &$0) }
    #expect(longest.utf8.count == MappingName.capacity)
  }

  @Test func threadsCallIsOneLine() {
    var line = SystemCallLine()
    #expect(generated { line.write(to: &$0) } == "-1 0x0 0x0\n")
    line.stackPointer = 0x7FFC_0000
    line.instructionPointer = 0x40_1000
    #expect(generated { line.write(to: &$0) } == "-1 0x7ffc0000 0x401000\n")
    line.number = 202
    line.arguments = (1, 0, 0xFFFF_FFFF_FFFF_FFFF, 3, 16, 5)
    #expect(
      generated { line.write(to: &$0) } == "202 0x1 0x0 0xffffffffffffffff 0x3 0x10 0x5 0x7ffc0000 0x401000\n")
  }

  @Test func entriesOfPagesAreLinuxs() {
    #expect(PageMapEntry.absent.rawValue == 0)
    #expect(
      PageMapEntry(frameNumber: 0x1234, isOfFile: false, isMappedOnce: true).rawValue == 0x8100_0000_0000_1234)
    #expect(PageMapEntry(frameNumber: 0, isOfFile: true, isMappedOnce: false).rawValue == 0xA000_0000_0000_0000)
  }

  @Test func privateMemoryThatIsCalledByAFileMergesWithItsContinuationOnly() {
    func region(_ start: UInt64, _ source: UInt64, offset: UInt64) -> MemoryRegion {
      MemoryRegion(
        start: start, end: start + 0x1000, protection: .read, kind: .anonymousPrivate, sourceID: source,
        sourceOffset: offset)
    }
    #expect(region(0x1000, 0, offset: 7).canMerge(with: region(0x2000, 0, offset: 9)))
    #expect(region(0x1000, 5, offset: 0).canMerge(with: region(0x2000, 5, offset: 0x1000)))
    #expect(!region(0x1000, 5, offset: 0).canMerge(with: region(0x2000, 5, offset: 0)))
    #expect(!region(0x1000, 5, offset: 0).canMerge(with: region(0x2000, 6, offset: 0x1000)))
    #expect(!region(0x1000, 5, offset: 0).canMerge(with: region(0x2000, 0, offset: 0)))
    #expect(!region(0x1000, 0, offset: 0).canMerge(with: region(0x2000, 5, offset: 0x1000)))
  }
}
