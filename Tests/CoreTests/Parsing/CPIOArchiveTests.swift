import Core
import Testing

@Suite struct CPIOArchiveTests {
  /// Reads to the end, and touches every byte that was handed out.
  static func use(_ view: ByteView) throws(CPIOError) -> [String] {
    var archive = CPIOArchive(view)
    var names: [String] = []
    while let entry = try archive.next() {
      _ = touch(entry.data)
      names.append(entry.name.string)
    }
    let isStillAtEnd = try archive.next() == nil
    precondition(isStillAtEnd)
    return names
  }

  @Test func everyEntryIsRead() throws {
    let names = try withView(CPIOSample.full) { try Self.use($0) }
    #expect(
      names == [
        "", "bin", "bin/tour", "bin/empty", "bin/link", "bin/last", "sh", "checked", "bin/tour",
      ])
  }

  @Test func everyFieldIsDecoded() throws {
    var sample = CPIOSample()
    sample.entry("dev/console", [9, 8, 7], mode: 0o020600, inode: 0xABCD_EF01, nlink: 3)
    sample.trailer()
    try withView(sample.bytes) { view in
      var archive = CPIOArchive(view)
      let entry = try #require(try archive.next())
      #expect(entry.name == "dev/console")
      #expect(entry.inode == 0xABCD_EF01 && entry.mode == 0o020600 && entry.nlink == 3)
      #expect(entry.uid == 1000 && entry.gid == 100 && entry.mtime == 0x5F5E_100F)
      #expect(entry.deviceMajor == 8 && entry.deviceMinor == 1)
      #expect(entry.rdevMajor == 4 && entry.rdevMinor == 64)
      #expect(Array(entry.data.bytes) == [9, 8, 7])
      #expect(!entry.isDirectory && !entry.isRegularFile && !entry.isSymbolicLink)
    }
  }

  @Test func typesOfFilesAreTold() throws {
    try withView(CPIOSample.full) { view in
      let archive = CPIOArchive(view)
      #expect(try archive.find(ByteView("/bin"))?.isDirectory == true)
      #expect(try archive.find(ByteView("checked"))?.isRegularFile == true)
      let link = try #require(try archive.find(ByteView("sh")))
      #expect(link.isSymbolicLink && link.data == "bin/tour")
    }
  }

  @Test func laterEntryReplacesAnEarlierOne() throws {
    try withView(CPIOSample.full) { view in
      let archive = CPIOArchive(view)
      for path: StaticString in ["bin/tour", "/bin/tour", "./bin/tour", "//./bin/tour"] {
        let data = try archive.find(ByteView(path))?.data.string
        #expect(data == "newer")
      }
      let missing = try archive.find(ByteView("bin/tou")) == nil && archive.find(ByteView("in/tour")) == nil
      #expect(missing)
    }
  }

  @Test func namesWithDotsAreOrdinary() throws {
    let names = ["...", "a..b", "..c", "d..", ".hidden", "e/.../f"]
    let read = try withView(CPIOSample.archive(names.map { ($0, []) })) { try Self.use($0) }
    #expect(read == names)
  }

  @Test(arguments: [0, 1, 4, 511])
  func nothingButZerosIsAnEmptyArchive(count: Int) throws {
    let names = try withView([UInt8](repeating: 0, count: count)) { try Self.use($0) }
    #expect(names.isEmpty)
  }

  @Test func archiveMayEndWithItsTrailerUnpadded() throws {
    let bytes = CPIOSample.archive([("a", [1])])
    // The trailer's name needs 11 bytes after a header of 110, and so three of padding.
    let names = try withView(Array(bytes.dropLast(3))) { try Self.use($0) }
    #expect(names == ["a"])
  }

  @Test func archivesMayFollowWithoutPadding() throws {
    let bytes = [0, 0, 0, 0] + CPIOSample.archive([("a", [])]) + CPIOSample.archive([("b", [1, 2])])
    let names = try withView(bytes) { try Self.use($0) }
    #expect(names == ["a", "b"])
  }

  static var broken: [(CPIOError, [UInt8])] {
    func with(_ build: (inout CPIOSample) -> Void) -> [UInt8] {
      var sample = CPIOSample()
      build(&sample)
      return sample.bytes
    }
    let one = CPIOSample.archive([("a", [1])])
    return [
      (.headerTruncated, Array(one[..<109])), (.headerTruncated, [1]),
      (.badMagic, with { $0.entry("a", magic: "070707") }),
      (.badMagic, with { $0.entry("a", magic: "07070\0") }),
      (.badMagic, one + Array(repeating: 65, count: 128)),
      (.badNumber, one.setting(0x67, at: 6, as: UInt8.self)),
      (.badNumber, one.setting(0x20, at: 109, as: UInt8.self)),
      (.badNumber, one.setting(0x2D, at: 54, as: UInt8.self)),
      (.badNumber, one.setting(0x78, at: 55, as: UInt8.self)),
      (.nameEmpty, with { $0.entry("", nameSize: 0) }),
      (.nameTooLong, with { $0.entry(String(repeating: "a", count: 4096)) }),
      (.nameTooLong, with { $0.entry("a", nameSize: .max) }),
      (.nameTruncated, with { $0.entry("a", nameSize: 4096) }),
      (.nameNotTerminated, with { $0.entry("abc", nameSize: 3) }),
      (.nameNotTerminated, with { $0.entry("ab\0", nameSize: 4) }),
      (.nameLeavesArchive, with { $0.entry("..") }), (.nameLeavesArchive, with { $0.entry("../a") }),
      (.nameLeavesArchive, with { $0.entry("a/../../b") }), (.nameLeavesArchive, with { $0.entry("a/..") }),
      (.dataTruncated, with { $0.entry("a", [1, 2, 3], fileSize: 5) }),
      (.dataTruncated, with { $0.entry("a", [1], fileSize: .max) }),
      (.badChecksum, with { $0.entry("a", [1, 2], magic: "070702", checksum: 4) }),
      (.missingTrailer, with { $0.entry("a", [1, 2]) }), (.missingTrailer, with { $0.entry("a") }),
      (.misalignedArchive, one + [0] + one),
    ]
  }

  @Test func eachDefectHasItsName() {
    for (error, bytes) in Self.broken {
      withView(bytes) { view in
        #expect(throws: error) { try Self.use(view) }
      }
    }
    #expect(Set(Self.broken.map(\.0)) == Set(CPIOError.allCases))
    for error in CPIOError.allCases { #expect(error.message.utf8CodeUnitCount > 0) }
  }

  @Test func errorIsGivenAgainAndFindHasItToo() {
    withView(Array(CPIOSample.archive([("a", [1])])[..<120])) { view in
      var archive = CPIOArchive(view)
      for _ in 0..<3 { #expect(throws: CPIOError.headerTruncated) { while try archive.next() != nil {} } }
      #expect(throws: CPIOError.headerTruncated) { try archive.find(ByteView("a")) }
    }
  }

  @Test func everyTruncationInsideAnArchiveIsRefused() throws {
    let sample = CPIOSample.full
    let firstEnd = try #require(sample.firstRange(of: Array("TRAILER!!!\0".utf8))).upperBound
    let second = try #require(sample[firstEnd...].firstRange(of: Array("070701".utf8))).lowerBound
    let secondEnd = try #require(sample[second...].firstRange(of: Array("TRAILER!!!\0".utf8))).upperBound
    forEachTruncation(of: sample) { count, view in
      let isWhole = (try? Self.use(view)) != nil
      let shouldBe = count == 0 || (firstEnd...second).contains(count) || count >= secondEnd
      if isWhole != shouldBe { Issue.record("cut to \(count) bytes: accepted \(isWhole)") }
    }
  }

  @Test func damagedArchivesNeverTrap() {
    var accepted = 0
    forEachMutation(of: CPIOSample.full, count: 10_000, seed: 11) { view in
      if (try? Self.use(view)) != nil { accepted += 1 }
      _ = try? CPIOArchive(view).find(ByteView("bin/tour"))
    }
    // Sizes are text, so that digits have to be put in on purpose for a change to get past the first check.
    var generator = SeededGenerator(seed: 12)
    let digits = Array("0123456789abcdefABCDEF".utf8)
    let headers = CPIOSample.full.indices.filter { CPIOSample.full[$0...].starts(with: "07070".utf8) }
    let memory = GuardedBytes(capacity: CPIOSample.full.count)
    let sample = CPIOSample.full
    for _ in 0..<10_000 {
      var bytes = sample
      for _ in 0..<2 {
        let header = headers.randomElement(using: &generator)!
        bytes[header + Int.random(in: 6..<110, using: &generator)] = digits.randomElement(using: &generator)!
      }
      withExtendedLifetime(memory) { if (try? Self.use(memory.view(bytes))) != nil { accepted += 1 } }
    }
    #expect(accepted > 1000 && accepted < 19_000)
  }
}
