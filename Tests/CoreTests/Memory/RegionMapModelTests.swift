import Core
import Testing

/// What is known of one page: the model has an entry for each page of a small address space.
private struct PageModel: Equatable {
  var protection: MemoryProtection
  var kind: RegionKind
  var growsDown: Bool
  var sourceID: UInt64
  var sourceOffset: UInt64
  var sourceBytes: UInt64

  init(_ region: MemoryRegion, page: UInt64) {
    protection = region.protection
    kind = region.kind
    growsDown = region.growsDown
    sourceID = region.sourceID
    let distance = page - region.start
    sourceOffset = region.namesSource ? region.sourceOffset + distance : 0
    sourceBytes = min(region.sourceBytes - min(region.sourceBytes, distance), 4096)
  }
}

@Suite struct RegionMapModelTests {
  private static let firstPage: UInt64 = 16
  private static let pageCount: UInt64 = 80

  private static func address(_ page: Int) -> UInt64 { (firstPage + UInt64(page)) * 4096 }

  private static func randomRegion(_ range: Range<UInt64>, _ random: inout SeededGenerator) -> MemoryRegion {
    let kinds: [RegionKind] = [.anonymousPrivate, .anonymousShared, .sourcePrivate, .sourceShared]
    // Few values for each property, and offsets that follow the address, so that merges are common.
    return MemoryRegion(
      start: range.lowerBound, end: range.upperBound,
      protection: MemoryProtection(rawValue: UInt8(1 + random.below(2))), kind: kinds[random.below(4)],
      sourceID: UInt64(random.below(2)), sourceOffset: range.lowerBound - UInt64(random.below(2)) * 4096,
      sourceBytes: random.below(3) == 0 ? UInt64(random.below(20_000)) : nil,
      growsDown: random.below(8) == 0)
  }

  private static func pages(of regions: [MemoryRegion]) -> [PageModel?] {
    var pages = [PageModel?](repeating: nil, count: Int(pageCount))
    for region in regions {
      for page in stride(from: region.start, to: region.end, by: 4096) {
        let index = Int(page / 4096 - firstPage)
        #expect(pages[index] == nil)
        pages[index] = PageModel(region, page: page)
      }
    }
    return pages
  }

  /// Whether two neighboring pages could be in one region.
  private static func belongTogether(_ lower: PageModel, _ upper: PageModel) -> Bool {
    guard lower.protection == upper.protection, lower.kind == upper.kind,
      lower.growsDown == upper.growsDown
    else { return false }
    return lower.kind == .anonymousPrivate && lower.sourceID == 0 && upper.sourceID == 0
      || (lower.sourceID == upper.sourceID && lower.sourceOffset + 4096 == upper.sourceOffset
        && (lower.sourceBytes == 4096 || upper.sourceBytes == 0))
  }

  @Test(arguments: [91, 92, 93, 94] as [UInt64])
  func randomOperationsMatchTheModel(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let regions = TestRegions(bounds: Self.address(0)..<Self.address(Int(Self.pageCount)))
    var pages = [PageModel?](repeating: nil, count: Int(Self.pageCount))
    for _ in 0..<4000 {
      let low = random.below(Int(Self.pageCount))
      let high = low + 1 + random.below(min(Int(Self.pageCount) - low, 16))
      let range = Self.address(low)..<Self.address(high)
      switch random.below(6) {
      case 0...1:
        let region = Self.randomRegion(range, &random)
        let isFree = pages[low..<high].allSatisfy { $0 == nil }
        #expect(regions.map.isFree(range) == isFree)
        let placement: RegionPlacement = random.below(2) == 0 ? .replacing : .onlyIfFree
        if placement == .replacing || isFree {
          try regions.insert(region, placement)
          for page in low..<high { pages[page] = PageModel(region, page: Self.address(page)) }
        } else {
          #expect(throws: RegionMapError.overlap) { try regions.insert(region, placement) }
        }
      case 2:
        let removed = try regions.remove(range)
        var expected = [PageModel?](repeating: nil, count: Int(Self.pageCount))
        expected[low..<high] = pages[low..<high]
        #expect(Self.pages(of: removed) == expected)
        for page in low..<high { pages[page] = nil }
      case 3...4:
        let protection = MemoryProtection(rawValue: UInt8(1 + random.below(3)))
        if pages[low..<high].allSatisfy({ $0 != nil }) {
          try regions.protect(range, protection)
          for page in low..<high { pages[page]!.protection = protection }
        } else {
          #expect(throws: RegionMapError.notMapped) { try regions.protect(range, protection) }
        }
      default:
        let size = high - low
        let guardedPages = RegionMap.stackGuardSizeInBytes / 4096
        let candidates = (0...Int(Self.pageCount) - size).filter { start in
          let next = pages[start...].firstIndex { $0 != nil } ?? .max
          let isClear = next >= start + size
          let isGuarded =
            next != .max && pages[next]!.growsDown && next - (start + size) < Int(guardedPages)
          return isClear && !isGuarded
        }
        let all = 0..<UserRange.limit
        let length = UInt64(size) * 4096
        let lowest = regions.map.findGap(size: length, within: all, direction: .bottomUp)
        let highest = regions.map.findGap(size: length, within: all, direction: .topDown)
        #expect(lowest == candidates.first.map(Self.address))
        #expect(highest == candidates.last.map(Self.address))
      }
      try #require(Self.pages(of: regions.regions) == pages)
      #expect(regions.map.mappedBytes == UInt64(pages.count { $0 != nil }) * 4096)
      for page in 0..<Int(Self.pageCount) {
        let found = regions.map.find(Self.address(page) + UInt64(random.below(4096)))
        #expect((found != nil) == (pages[page] != nil))
        guard let found, page > 0, found.start == Self.address(page), let lower = pages[page - 1] else {
          continue
        }
        // Two regions that touch are two for a reason.
        #expect(!Self.belongTogether(lower, pages[page]!))
      }
    }
  }
}
