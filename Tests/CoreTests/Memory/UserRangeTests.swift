import Core
import Testing

@Suite struct UserRangeTests {
  @Test func rangesUpToTheLimitAreValid() {
    let limit = UserRange.limit
    #expect(UserRange(start: 0, count: limit)?.end == limit)
    #expect(UserRange(start: limit - 1, count: 1)?.end == limit)
    #expect(UserRange(start: limit, count: 0) != nil)
    #expect(UserRange(start: 0x1000, count: 0x2000)?.addresses == 0x1000..<0x3000)
  }

  @Test func rangesThatReachTheKernelOrWrapAroundAreRefused() {
    let limit = UserRange.limit
    for (start, count) in [
      (limit, 1), (limit - 1, 2), (0, limit + 1), (limit + 1, 0), (1, .max), (.max, 1), (.max, .max),
      (.max, 0), (0xffff_8000_0000_0000, 8), (0x8000_0000_0000, 8), (0xffff_ffff_ffff_f000, 0x1000),
    ] as [(UInt64, UInt64)] {
      #expect(UserRange(start: start, count: count) == nil, "\(start), \(count)")
      #expect(UserRange(pagesCovering: start, count: count) == nil, "\(start), \(count)")
      #expect(!UserAddress.isValid(start, count: count))
    }
  }

  @Test func pagesCoverEachByte() {
    #expect(UserRange(pagesCovering: 0x1fff, count: 2)?.addresses == 0x1000..<0x3000)
    #expect(UserRange(pagesCovering: 0x1000, count: 0x1000)?.addresses == 0x1000..<0x2000)
    #expect(UserRange(pagesCovering: 0x1234, count: 0)?.count == 0)
    #expect(UserRange(pagesCovering: UserRange.limit - 1, count: 1)?.end == UserRange.limit)
  }

  @Test func lengthsAreRoundedUpWithoutOverflow() {
    #expect(UserAddress.roundedUpToPages(0) == 0)
    #expect(UserAddress.roundedUpToPages(1) == 4096)
    #expect(UserAddress.roundedUpToPages(.max - 4095) == UInt64.max - 4095)
    #expect(UserAddress.roundedUpToPages(.max - 4094) == nil)
  }
}
