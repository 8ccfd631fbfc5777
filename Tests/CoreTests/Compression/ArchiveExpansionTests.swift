import Core
import Testing

@Suite struct ArchiveExpansionTests {
  /// Expands twice, as the kernel does: the count has to be right, and no byte may be written beyond it.
  static func expand(_ image: [UInt8], limit: Int = 1 << 24) -> (bytes: [UInt8], fault: InflateError?) {
    withView(image) { view in
      let workspace = UnsafeMutableRawPointer.allocate(
        byteCount: ArchiveExpansion.workspaceSize, alignment: 16)
      defer { workspace.deallocate() }
      let expansion = ArchiveExpansion(view, workspace: workspace)
      let count = expansion.count(limit: limit)
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count.byteCount + 64, alignment: 16)
      defer { memory.deallocate() }
      memory.initializeMemory(as: UInt8.self, repeating: 0xA5)
      let result = expansion.expand(
        into: UnsafeMutableRawBufferPointer(rebasing: memory[..<count.byteCount]))
      #expect(memory[count.byteCount...].allSatisfy { $0 == 0xA5 })
      #expect(result.byteCount <= count.byteCount)
      if count.fault == nil, result.fault == nil { #expect(result.byteCount == count.byteCount) }
      return (Array(memory[..<result.byteCount]), count.fault ?? result.fault)
    }
  }

  /// Bytes that compress by many different lengths and distances.
  static func text(count: Int, seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    var bytes: [UInt8] = []
    while bytes.count < count {
      if bytes.count > 40, Bool.random(using: &generator) {
        let length = Int.random(in: 3...300, using: &generator)
        let start = Int.random(in: max(0, bytes.count - 40_000)..<bytes.count - 1, using: &generator)
        for index in 0..<length { bytes.append(bytes[start + index]) }
      } else {
        for _ in 0..<Int.random(in: 1...60, using: &generator) {
          let digit = Int.random(in: 0..<64, using: &generator)
          bytes.append(UInt8(48 + digit * digit / 64))
        }
      }
    }
    return Array(bytes[..<(count & ~3)])
  }

  @Test(arguments: [(0, 6), (4, 6), (4096, 1), (100_000, 1), (300_000, 6), (300_000, 9)])
  func whatGzipMadeComesBack(count: Int, level: Int) throws {
    let bytes = Self.text(count: count, seed: UInt64(count + level))
    let (expanded, fault) = Self.expand(try GzipSample.compress(bytes, level: level))
    #expect(fault == nil && expanded == bytes)
  }

  @Test func whatDoesNotCompressComesBack() throws {
    var generator = SeededGenerator(seed: 7)
    let bytes = (0..<200_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let (expanded, fault) = Self.expand(try GzipSample.compress(bytes))
    #expect(fault == nil && expanded == bytes)
  }

  @Test func everyFieldOfAHeaderIsPassedOver() {
    let (expanded, fault) = Self.expand(GzipSample.stored(Array("abcd".utf8), checksum: 0xED82_CD11))
    #expect(fault == nil && expanded == Array("abcd".utf8))
  }

  @Test func plainAndCompressedArchivesFollowEachOther() throws {
    let first = CPIOSample.archive([("a", [1, 2, 3])])
    let second = CPIOSample.archive([("b", [4])])
    let zeros = [UInt8](repeating: 0, count: 13)
    let image = try first + zeros[..<8] + GzipSample.compress(second) + zeros + GzipSample.compress(first) + zeros
    let (expanded, fault) = Self.expand(image)
    #expect(fault == nil && expanded == first + second + first)
    withView(image) { #expect(ArchiveExpansion.isNeeded(for: $0)) }
    #expect(try withView(expanded) { try CPIOArchiveTests.use($0) } == ["a", "b", "a"])
  }

  @Test func plainArchivesNeedNothing() {
    withView(CPIOSample.full) { #expect(!ArchiveExpansion.isNeeded(for: $0)) }
    withView(Array("needletail needletail".utf8)) { #expect(!ArchiveExpansion.isNeeded(for: $0)) }
    withView([]) { #expect(!ArchiveExpansion.isNeeded(for: $0)) }
  }

  @Test(arguments: [
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], InflateError.otherCompression), ([0x28, 0xB5, 0x2F, 0xFD], .otherCompression),
    ([0x42, 0x5A, 0x68, 0x39], .otherCompression), ([0x1F, 0x8B], .truncated),
    ([0x1F, 0x8B, 7, 0, 0, 0, 0, 0, 0, 3], .badMethod), ([0x1F, 0x8B, 8, 0x20, 0, 0, 0, 0, 0, 3], .badFlags),
    ([0x1F, 0x8B, 8, 2, 0, 0, 0, 0, 0, 3, 1, 1], .badHeaderChecksum),
    ([0x1F, 0x8B, 8, 8, 0, 0, 0, 0, 0, 3, 65, 66], .truncated),
    (GzipSample.member(blocks: [7]), .badBlockType),
    (GzipSample.member(blocks: [1, 1, 0, 1, 0, 65]), .badStoredLength),
    (GzipSample.member(blocks: [1, 255, 255, 0, 0, 65]), .truncated),
    // A fixed block whose first code is a copy: nothing is there to be copied.
    (GzipSample.member(blocks: [0x03 | 0x40 << 1, 0, 0]), .badDistance),
    // Codes for the lengths that are all one bit long.
    (GzipSample.member(blocks: [0x05, 0xE0, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24]), .badCodeLengths),
    (GzipSample.stored([1, 2, 3, 4], checksum: 5), .badChecksum),
  ] as [([UInt8], InflateError)])
  func eachFaultHasItsName(image: [UInt8], expected: InflateError) {
    let (bytes, fault) = Self.expand(image)
    #expect(fault == expected && bytes.isEmpty)
  }

  @Test func aWrongLengthIsNoticed() {
    var image = GzipSample.stored(Array("abcd".utf8), checksum: 0xED82_CD11, flags: 0)
    image[image.count - 4] = 5
    #expect(Self.expand(image).fault == .badLength)
  }

  @Test func whatCameBeforeAFaultStays() throws {
    let first = CPIOSample.archive([("a", [1, 2, 3])])
    let (bytes, fault) = Self.expand(try first + GzipSample.compress(first).dropLast(9))
    #expect(fault != nil && bytes == first)
  }

  @Test func aBombEndsAtTheLimit() throws {
    let image = try GzipSample.compress([UInt8](repeating: 0, count: 1 << 22))
    let (bytes, fault) = Self.expand(image, limit: 1 << 20)
    #expect(fault == .outputFull && bytes.isEmpty)
  }

  @Test func truncatedImagesAreFaultsAndNothingIsReadBeyondThem() throws {
    let image = try GzipSample.compress(Self.text(count: 3000, seed: 3))
    let workspace = UnsafeMutableRawPointer.allocate(
      byteCount: ArchiveExpansion.workspaceSize, alignment: 16)
    defer { workspace.deallocate() }
    forEachTruncation(of: image) { count, view in
      let result = ArchiveExpansion(view, workspace: workspace).count(limit: 1 << 20)
      #expect((result.fault == nil) == (count == 0 || count == image.count || count == 1))
    }
  }

  @Test func damagedImagesNeverTrapOrOverrun() throws {
    let plain = CPIOSample.archive([("a", Self.text(count: 2000, seed: 4))])
    let image = try plain + GzipSample.compress(plain)
    var faults = 0
    forEachMutation(of: image, count: 4000, seed: 5) { view in
      if Self.expand(Array(view.bytes)).fault != nil { faults += 1 }
    }
    #expect(faults > 250)
  }

  @Test func everyFaultSaysWhatItIs() {
    for fault in InflateError.allCases { #expect(fault.message.utf8CodeUnitCount > 0) }
  }
}
