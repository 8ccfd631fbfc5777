import Core
import Testing

/// A region map with an array that grows as the map asks for it, as a system call does it.
final class TestRegions {
  var map: RegionMap
  private var arrays: [UnsafeMutableBufferPointer<MemoryRegion>] = []

  init(bounds: Range<UInt64> = 0x10000..<UserRange.limit, maximumCount: Int = 65_530) {
    map = RegionMap(
      storage: UnsafeMutableBufferPointer(start: nil, count: 0), bounds: bounds, maximumCount: maximumCount)
  }

  deinit { for array in arrays { array.deallocate() } }

  func reserve() {
    guard map.needsStorage else { return }
    let larger = UnsafeMutableBufferPointer<MemoryRegion>.allocate(capacity: map.capacity + 2)
    arrays.append(larger)
    _ = map.replaceStorage(with: larger)
  }

  func insert(_ region: MemoryRegion, _ placement: RegionPlacement = .onlyIfFree) throws(RegionMapError) {
    reserve()
    try map.insert(region, placement: placement)
  }

  func remove(_ range: Range<UInt64>) throws(RegionMapError) -> [MemoryRegion] {
    reserve()
    var pieces: [MemoryRegion] = []
    try map.remove(range) { pieces.append($0) }
    return pieces
  }

  func protect(_ range: Range<UInt64>, _ protection: MemoryProtection) throws(RegionMapError) {
    reserve()
    try map.protect(range, protection)
  }

  var regions: [MemoryRegion] { (0..<map.count).map { map[$0]! } }
}

@Suite struct RegionMapTests {
  private let readWrite: MemoryProtection = [.read, .write]

  @Test func changesAreRefusedWithoutRoomForThem() throws {
    var map = RegionMap(
      storage: UnsafeMutableBufferPointer(start: nil, count: 0), bounds: 0x10000..<UserRange.limit)
    #expect(throws: RegionMapError.needsStorage) {
      try map.insert(MemoryRegion(start: 0x20000, end: 0x21000, protection: .read))
    }
    #expect(map.needsStorage)
  }

  @Test func segmentsDoNotMergeAndBecomeLonger() throws {
    let regions = TestRegions()
    func segment(_ start: UInt64, _ offset: UInt64) -> MemoryRegion {
      MemoryRegion(
        start: start, end: start + 0x2000, protection: readWrite, kind: .sourceShared, sourceID: 7, sourceOffset: offset,
        attributes: .segment)
    }
    try regions.insert(segment(0x20000, 0))
    try regions.insert(segment(0x22000, 0x2000))
    #expect(regions.map.count == 2)
    try regions.protect(0x21000..<0x22000, .read)
    try regions.protect(0x21000..<0x22000, readWrite)
    #expect(regions.map.count == 3)
    regions.map.extend(regionAt: 0x22000, to: 0x26000)
    #expect(regions.map.count == 3)
    #expect(regions.map.mappedBytes == 0x6000)
    #expect(regions.regions[2].end == 0x26000 && regions.regions[2].sourceBytes == 0x4000)
    // Not into what follows.
    regions.map.extend(regionAt: 0x20000, to: 0x22000)
    #expect(regions.regions[0].end == 0x21000)
  }

  @Test func invalidRangesAreNamed() throws {
    let regions = TestRegions()
    let cases: [(UInt64, UInt64, RegionMapError)] = [
      (0x20000, 0x20000, .empty), (0x21000, 0x20000, .empty), (0x20001, 0x21000, .misaligned),
      (0x20000, 0x20fff, .misaligned), (0xf000, 0x11000, .outOfBounds),
      (UserRange.limit - 4096, UserRange.limit + 4096, .outOfBounds),
      (0xffff_8000_0000_0000, 0xffff_8000_0000_1000, .outOfBounds),
    ]
    for (start, end, error) in cases {
      #expect(throws: error) {
        try regions.insert(MemoryRegion(start: start, end: end, protection: .read))
      }
    }
    #expect(throws: RegionMapError.sourceOverflow) {
      try regions.insert(
        MemoryRegion(
          start: 0x20000, end: 0x22000, protection: .read, kind: .sourcePrivate, sourceOffset: .max - 4096))
    }
    #expect(throws: RegionMapError.empty) { _ = try regions.remove(0x20000..<0x20000) }
    #expect(throws: RegionMapError.misaligned) { _ = try regions.remove(0x20000..<0x20010) }
    #expect(throws: RegionMapError.outOfBounds) { try regions.protect(0..<0x20000, .read) }
    #expect(regions.map.count == 0)
  }

  @Test func holeInASourceKeepsTheOffsets() throws {
    let regions = TestRegions()
    try regions.insert(
      MemoryRegion(
        start: 0x20000, end: 0x28000, protection: .read, kind: .sourcePrivate, sourceID: 7,
        sourceOffset: 0x5000, sourceBytes: 0x4321))
    let removed = try regions.remove(0x22000..<0x24000)
    #expect(
      removed == [
        MemoryRegion(
          start: 0x22000, end: 0x24000, protection: .read, kind: .sourcePrivate, sourceID: 7,
          sourceOffset: 0x7000)
      ])
    #expect(
      regions.regions == [
        MemoryRegion(
          start: 0x20000, end: 0x22000, protection: .read, kind: .sourcePrivate, sourceID: 7,
          sourceOffset: 0x5000),
        MemoryRegion(
          start: 0x24000, end: 0x28000, protection: .read, kind: .sourcePrivate, sourceID: 7,
          sourceOffset: 0x9000, sourceBytes: 0x321),
      ])
    #expect(regions.map.find(0x25000)!.source(ofPage: 0x24000) == (0x9000, 0x321))
    #expect(regions.map.find(0x25000)!.source(ofPage: 0x25000) == (0xa000, 0))
    #expect(regions.map.find(0x22000) == nil)
    // Put back, the pieces are one region again.
    try regions.insert(removed[0])
    #expect(regions.map.count == 1)
    #expect(regions.map.find(0x20000)!.sourceBytes == 0x4321)
    #expect(regions.map.mappedBytes == 0x8000)
  }

  @Test func protectingIsAllOrNothing() throws {
    let regions = TestRegions()
    try regions.insert(MemoryRegion(start: 0x20000, end: 0x22000, protection: readWrite))
    try regions.insert(MemoryRegion(start: 0x23000, end: 0x25000, protection: readWrite))
    #expect(throws: RegionMapError.notMapped) { try regions.protect(0x20000..<0x25000, .read) }
    #expect(throws: RegionMapError.notMapped) { try regions.protect(0x24000..<0x26000, .read) }
    #expect(regions.regions.allSatisfy { $0.protection == readWrite })
    try regions.protect(0x21000..<0x22000, .read)
    #expect(regions.map.count == 3)
    try regions.protect(0x21000..<0x22000, readWrite)
    #expect(regions.map.count == 2)
  }

  @Test func occupiedRangeIsKeptUnlessToBeReplaced() throws {
    let regions = TestRegions()
    try regions.insert(MemoryRegion(start: 0x20000, end: 0x24000, protection: readWrite))
    let middle = MemoryRegion(start: 0x21000, end: 0x22000, protection: .execute)
    #expect(throws: RegionMapError.overlap) { try regions.insert(middle) }
    try regions.insert(middle, .replacing)
    #expect(regions.regions.map(\.start) == [0x20000, 0x21000, 0x22000])
    #expect(regions.map.mappedBytes == 0x4000)
  }

  @Test func numberOfRegionsIsLimitedButUnmappingIsNot() throws {
    let regions = TestRegions(maximumCount: 2)
    try regions.insert(MemoryRegion(start: 0x20000, end: 0x24000, protection: .read))
    try regions.insert(MemoryRegion(start: 0x30000, end: 0x34000, protection: .read))
    #expect(throws: RegionMapError.tooManyRegions) {
      try regions.insert(MemoryRegion(start: 0x40000, end: 0x44000, protection: .read))
    }
    #expect(throws: RegionMapError.tooManyRegions) { _ = try regions.remove(0x21000..<0x22000) }
    #expect(throws: RegionMapError.tooManyRegions) { try regions.protect(0x21000..<0x22000, .write) }
    try regions.protect(0x20000..<0x24000, .write)
    #expect(try regions.remove(0x23000..<0x31000).count == 2)
    #expect(try regions.remove(0x10000..<0x40000).count == 2)
    #expect(regions.map.count == 0)
  }

  @Test func stackGrowsDownToItsLimitAndKeepsAway() throws {
    let regions = TestRegions()
    let top: UInt64 = 0x7000_0000
    try regions.insert(
      MemoryRegion(start: top - 0x1000, end: top, protection: readWrite, growsDown: true))
    #expect(throws: RegionMapError.notMapped) {
      _ = try regions.map.growDown(to: top, maximumLength: 0x800000)
    }
    let grown = try regions.map.growDown(to: top - 0x5001, maximumLength: 0x800000)
    #expect(grown.start == top - 0x6000)
    #expect(regions.map.mappedBytes == 0x6000)
    #expect(throws: RegionMapError.notMapped) {
      _ = try regions.map.growDown(to: top - 0x800001, maximumLength: 0x800000)
    }
    let guardSize = RegionMap.stackGuardSizeInBytes
    try regions.insert(MemoryRegion(start: top - 0x302000, end: top - 0x300000, protection: .read))
    let lowest = top - 0x300000 + guardSize
    #expect(throws: RegionMapError.notMapped) {
      _ = try regions.map.growDown(to: lowest - 1, maximumLength: 0x800000)
    }
    #expect(try regions.map.growDown(to: lowest, maximumLength: 0x800000).start == lowest)
    // What nobody can touch is a guard itself.
    try regions.protect(top - 0x302000..<top - 0x300000, [])
    let close = top - 0x300000
    #expect(try regions.map.growDown(to: close, maximumLength: 0x800000).start == close)
    try regions.protect(top - 0x302000..<top - 0x300000, .read)
    // New mappings leave the guard free, too.
    let gap = regions.map.findGap(
      size: 0x1000, within: top - 0x300000..<UserRange.limit, direction: .bottomUp)
    #expect(gap == top)
  }

  @Test func manyAreRemovedInOnePass() throws {
    let regions = TestRegions(bounds: 0x10000..<0x40000)
    for start in stride(from: UInt64(0x10000), to: 0x20000, by: 0x2000) {
      try regions.insert(MemoryRegion(start: start, end: start + 0x1000, protection: .read))
    }
    var removed: [UInt64] = []
    regions.map.removeAll(where: { $0.start & 0x4000 != 0 }) { removed.append($0.start) }
    #expect(removed == [0x14000, 0x16000, 0x1c000, 0x1e000])
    #expect(regions.map.count == 4)
    #expect(regions.map.mappedBytes == 0x4000)
    #expect(regions.map.find(0x18000)?.start == 0x18000)
    #expect(regions.map.find(0x14000) == nil)
  }

  @Test func gapsAreFoundFromEitherEnd() throws {
    let regions = TestRegions(bounds: 0x10000..<0x40000)
    try regions.insert(MemoryRegion(start: 0x12000, end: 0x20000, protection: .read))
    try regions.insert(MemoryRegion(start: 0x24000, end: 0x3f000, protection: .read))
    let all = 0..<UInt64.max
    #expect(regions.map.findGap(size: 1, within: all, direction: .bottomUp) == 0x10000)
    #expect(regions.map.findGap(size: 1, within: all, direction: .topDown) == 0x3f000)
    #expect(regions.map.findGap(size: 0x3000, within: all, direction: .bottomUp) == 0x20000)
    #expect(regions.map.findGap(size: 0x3000, within: all, direction: .topDown) == 0x21000)
    #expect(
      regions.map.findGap(size: 0x1000, alignment: 0x4000, within: all, direction: .topDown) == 0x20000)
    #expect(
      regions.map.findGap(size: 0x1000, alignment: 0x20000, within: all, direction: .bottomUp) == 0x20000)
    for (size, alignment) in [(0, 4096), (0x5000, 4096), (.max, 4096), (1, 3000), (1, 0), (1, 1 << 63)]
      as [(UInt64, UInt64)]
    {
      for direction in [GapDirection.bottomUp, .topDown] {
        #expect(
          regions.map.findGap(size: size, alignment: alignment, within: all, direction: direction) == nil)
      }
    }
  }

  @Test func copyIsIndependent() throws {
    let regions = TestRegions()
    try regions.insert(MemoryRegion(start: 0x20000, end: 0x24000, protection: .read))
    let array = UnsafeMutableBufferPointer<MemoryRegion>.allocate(capacity: 8)
    defer { array.deallocate() }
    var copy = try #require(regions.map.copy(into: array))
    try copy.remove(0x20000..<0x21000)
    #expect(regions.map.find(0x20000) != nil)
    #expect(copy.find(0x20000) == nil)
    #expect(copy.find(0x21000) != nil)
  }
}

@Suite struct MemoryRegionPartTests {
  private static let region = MemoryRegion(
    start: 0x10_0000, end: 0x10_8000, protection: .read, kind: .sourceShared, sourceID: 1, sourceOffset: 0x3000)

  @Test func partKeepsItsPlaceInTheSource() {
    let part = Self.region.part(in: 0x10_2000..<0x10_5000)
    #expect(part?.start == 0x10_2000 && part?.end == 0x10_5000)
    #expect(part?.sourceOffset == 0x5000 && part?.sourceBytes == 0x3000)
    #expect(Self.region.part(in: 0..<UInt64.max) == Self.region)
    #expect(Self.region.part(in: 0x10_8000..<0x10_9000) == nil)
    #expect(Self.region.part(in: 0xF_F000..<0x10_0000) == nil)
  }

  @Test func pagesOfTheSourceAreFound() {
    #expect(Self.region.addresses(ofSourcePages: 0..<4) == 0x10_0000..<0x10_1000)
    #expect(Self.region.addresses(ofSourcePages: 5..<6) == 0x10_2000..<0x10_3000)
    #expect(Self.region.addresses(ofSourcePages: 9..<(1 << 54)) == 0x10_6000..<0x10_8000)
    #expect(Self.region.addresses(ofSourcePages: 0..<3) == nil)
    #expect(Self.region.addresses(ofSourcePages: 11..<20) == nil)
  }

  @Test func changesSplitAndMergeRegions() throws {
    let storage = UnsafeMutableBufferPointer<MemoryRegion>.allocate(capacity: 16)
    defer { storage.deallocate() }
    var map = RegionMap(storage: storage, bounds: 0x1_0000..<0x1000_0000)
    try map.insert(MemoryRegion(start: 0x10_0000, end: 0x10_8000, protection: .read))
    try map.insert(MemoryRegion(start: 0x20_0000, end: 0x20_1000, protection: .read))
    try map.change(0x10_2000..<0x10_4000) { $0.attributes.insert(.locked) }
    #expect(map.count == 4)
    #expect(map.isCovered(0x10_0000..<0x10_8000))
    #expect(!map.isCovered(0x10_0000..<0x20_1000))
    #expect(map.find(0x10_3000)?.attributes == .locked)
    // What is not mapped is passed over.
    try map.change(0x10_0000..<0x30_0000) { $0.attributes = [] }
    #expect(map.count == 2)
    try map.change(0x10_0000..<0x10_1000) { $0.key = 3 }
    #expect(map.count == 3)
    #expect(map.find(0x10_0000)?.key == 3 && map.find(0x10_1000)?.key == 0)
  }
}
