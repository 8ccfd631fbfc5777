import Testing

@testable import Core

@Suite struct MemoryRangesTests {
  private func list(_ ranges: MemoryRanges) -> [Range<UInt64>] { (0..<ranges.count).map { ranges[$0] } }

  @Test func overlappingAndTouchingRangesMerge() {
    var ranges = MemoryRanges()
    ranges.insert(10..<20)
    ranges.insert(30..<40)
    ranges.insert(15..<30)
    #expect(list(ranges) == [10..<40])
    #expect(ranges.totalBytes == 30)
    #expect(ranges.limit == 40)
  }

  @Test func removingTheMiddleLeavesBothEnds() {
    var ranges = MemoryRanges()
    ranges.insert(0..<100)
    ranges.remove(40..<60)
    ranges.remove(90..<200)
    #expect(list(ranges) == [0..<40, 60..<90])
  }

  @Test func takingHonoursAlignmentAndLimit() {
    var ranges = MemoryRanges()
    ranges.insert(0x1001..<0x9000)
    #expect(ranges.take(0x1000, alignment: 0x1000, below: 0x3000) == 0x2000)
    #expect(ranges.take(0x1000, alignment: 0x1000, below: 0x3000) == nil)
    #expect(ranges.take(0x4000, alignment: 0x4000, below: .max) == 0x4000)
    #expect(ranges.take(0x4000, alignment: 0x1000, below: .max) == nil)
    #expect(ranges.totalBytes == 0x8000 - 1 - 0x5000)
  }

  @Test func roundingDropsWhatHasNoWholePage() {
    var ranges = MemoryRanges()
    ranges.insert(1..<4096)
    ranges.insert(8191..<12289)
    ranges.insert(20480..<24576)
    ranges.roundToPages()
    #expect(list(ranges) == [8192..<12288, 20480..<24576])
  }

  @Test func theEndOfTheAddressSpaceDoesNotOverflow() {
    var ranges = MemoryRanges()
    ranges.insert(UInt64.max - 10..<UInt64.max)
    #expect(ranges.take(4096, alignment: 4096, below: .max) == nil)
    ranges.roundToPages()
    #expect(ranges.count == 0)
  }

  /// More ranges than there is room for: the smallest go, and are counted.
  @Test func beyondTheRoomTheSmallestAreDropped() {
    var ranges = MemoryRanges()
    for index in 0..<UInt64(MemoryRanges.capacity) { ranges.insert(index * 1000..<index * 1000 + 100) }
    ranges.insert(500_000..<500_001)
    #expect(ranges.count == MemoryRanges.capacity && ranges.droppedBytes == 1)
    ranges.insert(600_000..<600_500)
    #expect(ranges.count == MemoryRanges.capacity && ranges.droppedBytes == 101)
    #expect(ranges.limit == 600_500)
  }

  @Test func agreesWithASetOfBytesUnderRandomOperations() {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<200 {
      var ranges = MemoryRanges()
      var model = Set<UInt64>()
      for _ in 0..<40 {
        let start = UInt64(generator.below(400))
        let range = start..<start + UInt64(generator.below(60))
        if generator.below(3) > 0 {
          ranges.insert(range)
          model.formUnion(range)
        } else {
          ranges.remove(range)
          model.subtract(range)
        }
        #expect(ranges.totalBytes == UInt64(model.count))
        let all = list(ranges)
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
        #expect(all.allSatisfy { range in range.allSatisfy { model.contains($0) } })
      }
    }
  }
}
