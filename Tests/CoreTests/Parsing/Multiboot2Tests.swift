import Core
import Testing

/// Builds boot information as GRUB lays it out.
struct Multiboot2Sample {
  var bytes: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]

  /// Appends a tag and returns where it starts. `size` is what the tag claims, if not the truth.
  @discardableResult
  mutating func tag(_ type: UInt32, _ content: [UInt8], size: UInt32? = nil) -> Int {
    bytes.pad(to: 8)
    let start = bytes.count
    bytes.append(type, as: UInt32.self)
    bytes.append(size ?? UInt32(8 + content.count), as: UInt32.self)
    bytes += content
    return start
  }

  /// The whole, with its total size filled in.
  func finished(endTag: Bool = true) -> [UInt8] {
    var copy = self
    if endTag { copy.tag(0, []) }
    copy.bytes.set(UInt32(copy.bytes.count), at: 0, as: UInt32.self)
    return copy.bytes
  }

  static func module(_ start: UInt32, _ end: UInt32, _ name: String) -> [UInt8] {
    var content: [UInt8] = []
    content.append(start, as: UInt32.self)
    content.append(end, as: UInt32.self)
    content.append(text: name + "\0")
    return content
  }

  static func memoryMap(_ regions: [(UInt64, UInt64, UInt32)], entrySize: UInt32 = 24) -> [UInt8] {
    var content: [UInt8] = []
    content.append(entrySize, as: UInt32.self)
    content.append(0, as: UInt32.self)
    for (base, length, type) in regions {
      let start = content.count
      content.append(base, as: UInt64.self)
      content.append(length, as: UInt64.self)
      content.append(type, as: UInt32.self)
      while content.count < start + Int(entrySize) { content.append(0) }
    }
    return content
  }

  static var full: [UInt8] {
    var sample = Multiboot2Sample()
    sample.tag(1, Array("selftest cpus=2\0".utf8))
    sample.tag(2, Array("GRUB 2.06\0".utf8))
    sample.tag(3, module(0x20_0000, 0x20_1234, "programs.cpio"))
    sample.tag(3, module(0x30_0000, 0x30_0000, ""))
    sample.tag(4, [1, 2, 3, 4, 5, 6, 7, 8])
    sample.tag(
      6,
      memoryMap([
        (0, 0x9FC00, 1), (0x9FC00, 0x400, 2), (0x10_0000, 0x7EE_0000, 1), (0x7FE_0000, 0, 1),
        (0x7FE_0000, 0x1_0000, 3), (0x7FF_0000, 0x1_0000, 4), (0xFFFC_0000, 0x4_0000, 5),
        (0xFFFF_FFFF_FFFF_F000, 0x1000, 77),
      ]))
    sample.tag(15, rsdpVersion2(rsdt: 0x1000, xsdt: 0x2000))
    sample.tag(14, rsdpVersion1(rsdt: 0x1000))
    return sample.finished()
  }
}

@Suite struct Multiboot2Tests {
  /// Everything that a kernel would ask of the information.
  static func use(_ view: ByteView) throws(Multiboot2Error) -> UInt32 {
    let information = try Multiboot2Information(view)
    var sum = touch(information.commandLine) &+ touch(information.bootLoaderName) &+ touch(information.rsdp)
    information.forEachModule { sum &+= touch($0.name) }
    information.forEachMemoryRegion { region in
      precondition(region.length > 0)
      precondition(!region.base.addingReportingOverflow(region.length - 1).overflow)
    }
    return sum
  }

  @Test func everyPartIsFound() throws {
    try withView(Multiboot2Sample.full + [0xAA, 0xBB]) { view in
      let information = try Multiboot2Information(view)
      #expect(information.commandLine?.string == "selftest cpus=2")
      #expect(information.bootLoaderName?.string == "GRUB 2.06")
      #expect(try RSDP(#require(information.rsdp)).isExtended)
      var modules: [String] = []
      information.forEachModule { modules.append("\($0.start) \($0.end) \($0.name.string)") }
      #expect(modules == ["\(0x20_0000) \(0x20_1234) programs.cpio", "\(0x30_0000) \(0x30_0000) "])
      var regions: [PhysicalRegion] = []
      information.forEachMemoryRegion { regions.append($0) }
      #expect(
        regions == [
          PhysicalRegion(base: 0, length: 0x9FC00, kind: .available),
          PhysicalRegion(base: 0x9FC00, length: 0x400, kind: .reserved),
          PhysicalRegion(base: 0x10_0000, length: 0x7EE_0000, kind: .available),
          PhysicalRegion(base: 0x7FE_0000, length: 0x1_0000, kind: .acpiReclaimable),
          PhysicalRegion(base: 0x7FF_0000, length: 0x1_0000, kind: .acpiNonVolatile),
          PhysicalRegion(base: 0xFFFC_0000, length: 0x4_0000, kind: .defective),
          PhysicalRegion(base: 0xFFFF_FFFF_FFFF_F000, length: 0x1000, kind: .reserved),
        ])
    }
  }

  @Test func informationWithoutTagsIsEmpty() throws {
    try withView(Multiboot2Sample().finished()) { view in
      let information = try Multiboot2Information(view)
      #expect(information.commandLine == nil && information.bootLoaderName == nil && information.rsdp == nil)
      information.forEachModule { _ in Issue.record("a module out of nowhere") }
      information.forEachMemoryRegion { _ in Issue.record("a region out of nowhere") }
    }
  }

  @Test func totalSizeIsReadFromTheHeaderAlone() throws {
    let size = try withView(Array(Multiboot2Sample.full[..<8])) {
      try Multiboot2Information.totalSize(of: $0)
    }
    #expect(size == Multiboot2Sample.full.count)
  }

  @Test func rootPointerOfVersion1ServesWhereItIsTheOnlyOne() throws {
    var sample = Multiboot2Sample()
    sample.tag(14, rsdpVersion1(rsdt: 0x1000))
    let size = try withView(sample.finished()) { try Multiboot2Information($0).rsdp?.count }
    #expect(size == 20)
  }

  @Test func firstOfSeveralTagsCounts() throws {
    var sample = Multiboot2Sample()
    sample.tag(1, Array("first\0".utf8))
    sample.tag(1, Array("second\0".utf8))
    let line = try withView(sample.finished()) { try Multiboot2Information($0).commandLine?.string }
    #expect(line == "first")
  }

  @Test func largerEntriesOfALaterVersionAreRead() throws {
    var sample = Multiboot2Sample()
    sample.tag(6, Multiboot2Sample.memoryMap([(0, 1, 1), (4096, 2, 1)], entrySize: 40))
    try withView(sample.finished()) { view in
      var bases: [UInt64] = []
      try Multiboot2Information(view).forEachMemoryRegion { bases.append($0.base) }
      #expect(bases == [0, 4096])
    }
  }

  static var broken: [(Multiboot2Error, [UInt8])] {
    func with(_ type: UInt32, _ content: [UInt8], size: UInt32? = nil) -> [UInt8] {
      var sample = Multiboot2Sample()
      sample.tag(type, content, size: size)
      return sample.finished()
    }
    let empty = Multiboot2Sample().finished()
    var withoutEnd = Multiboot2Sample()
    withoutEnd.tag(2, Array("GRUB\0".utf8))
    return [
      (.truncatedHeader, []), (.truncatedHeader, [16, 0, 0, 0, 0, 0, 0]),
      (.totalSizeTooSmall, empty.setting(15, at: 0, as: UInt32.self)),
      (.totalSizeTooSmall, empty.setting(0, at: 0, as: UInt32.self)),
      (.totalSizeBeyondMemory, empty.setting(17, at: 0, as: UInt32.self)),
      (.totalSizeBeyondMemory, empty.setting(.max, at: 0, as: UInt32.self)),
      (.tagTooSmall, with(4, [], size: 7)), (.tagTooSmall, with(4, [], size: 0)),
      (.tagTooSmall, empty.setting(0, at: 12, as: UInt32.self)),
      (.tagBeyondEnd, with(4, [], size: .max)), (.tagBeyondEnd, with(4, [], size: 17)),
      (.missingEndTag, withoutEnd.finished(endTag: false)),
      (.endTagTooLarge, with(0, [0])),
      (.unterminatedText, with(1, Array("no end".utf8))), (.unterminatedText, with(1, [])),
      (.unterminatedText, with(2, [65])),
      (.unterminatedText, with(3, Array(Multiboot2Sample.module(1, 2, "x").dropLast()))),
      (.moduleTagTooSmall, with(3, [1, 2, 3, 4, 5, 6, 7])),
      (.moduleEndsBeforeStart, with(3, Multiboot2Sample.module(2, 1, "x"))),
      (.memoryMapTagTooSmall, with(6, [24, 0, 0, 0])), (.memoryMapTagTooSmall, with(6, [])),
      (.memoryMapEntryTooSmall, with(6, Multiboot2Sample.memoryMap([], entrySize: 23))),
      (.memoryMapEntryTooSmall, with(6, Multiboot2Sample.memoryMap([], entrySize: 0))),
      (.memoryMapEntryCutOff, with(6, Array(Multiboot2Sample.memoryMap([(0, 1, 1)]).dropLast()))),
      (.memoryRegionOverflows, with(6, Multiboot2Sample.memoryMap([(0, 1, 1), (2, .max, 1)]))),
      (.rsdpTagTooSmall, with(14, [UInt8](repeating: 0, count: 19))),
      (.rsdpTagTooSmall, with(15, [UInt8](repeating: 0, count: 35))),
    ]
  }

  @Test func eachDefectHasItsName() {
    for (error, bytes) in Self.broken {
      withView(bytes) { view in
        #expect(throws: error) { try Multiboot2Information(view) }
      }
    }
    #expect(Set(Self.broken.map(\.0)) == Set(Multiboot2Error.allCases))
    for error in Multiboot2Error.allCases { #expect(error.message.utf8CodeUnitCount > 0) }
  }

  @Test func everyTruncationIsRefused() {
    forEachTruncation(of: Multiboot2Sample.full) { count, view in
      if count == Multiboot2Sample.full.count {
        #expect(throws: Never.self) { try Self.use(view) }
      } else {
        #expect(throws: count < 8 ? Multiboot2Error.truncatedHeader : .totalSizeBeyondMemory) {
          try Self.use(view)
        }
      }
    }
  }

  @Test func everyShorterTotalSizeIsRefused() {
    for size in 0..<Multiboot2Sample.full.count {
      withView(Multiboot2Sample.full.setting(UInt32(size), at: 0, as: UInt32.self)) { view in
        #expect(throws: Multiboot2Error.self) { try Self.use(view) }
      }
    }
  }

  @Test func damagedInformationNeverTraps() {
    var accepted = 0
    forEachMutation(of: Multiboot2Sample.full, count: 20_000, seed: 2) { view in
      if (try? Self.use(view)) != nil { accepted += 1 }
    }
    // Both paths must have been walked for the run to mean anything.
    #expect(accepted > 100 && accepted < 19_900)
  }
}
