import Core
import Glibc
import Testing

@Suite struct ELFImageTests {
  @Test func programIsUnderstood() throws {
    try withView(ELFSample.program.bytes) { view in
      let image = try ELFImage(view)
      #expect(image.type == .executable)
      #expect(image.entry == 0x40_1000)
      #expect(image.programHeaderOffset == 64)
      #expect(image.programHeaderCount == 6)
      #expect(image.programHeaderEntrySize == 56)
      #expect(image.programHeaderAddress == 0x40_0040)
      #expect(image.interpreter == nil)
      #expect(!image.stackExecutable)
      #expect(image.segmentCount == 3)
      let data = try #require(image.segment(at: 2))
      #expect(data.virtualAddress == 0x40_2124 && data.memorySize == 0x2000)
      #expect(data.fileOffset == 0x1124 && data.fileSize == 0x10 && data.alignment == 4096)
      #expect(data.end == 0x40_4124)
      #expect(image.content(of: data).map { Array($0.bytes) } == (0x24..<0x34).map { UInt8($0) })
      #expect(image.segment(at: 3) == nil && image.segment(at: -1) == image.segment(at: 0))
      let storage = try #require(image.threadLocalStorage)
      #expect(storage.virtualAddress == 0x40_2124 && storage.fileOffset == 0x1124)
      #expect(storage.fileSize == 8 && storage.memorySize == 24 && storage.alignment == 16)
    }
  }

  @Test func permissionsOfSegmentsAreKept() throws {
    try withView(ELFSample.program.bytes) { view in
      let image = try ELFImage(view)
      let segments = (0..<3).compactMap { image.segment(at: $0) }
      #expect(segments.map(\.readable) == [true, true, true])
      #expect(segments.map(\.writable) == [false, false, true])
      #expect(segments.map(\.executable) == [false, true, false])
    }
  }

  @Test func positionIndependentProgramMayStartAtZero() throws {
    try withView(ELFSample.positionIndependent.bytes) { view in
      let image = try ELFImage(view)
      #expect(image.type == .sharedObject && image.entry == 0x1000)
      #expect(image.segment(at: 0)?.virtualAddress == 0)
      #expect(image.programHeaderAddress == 64)
    }
  }

  @Test func addressOfProgramHeadersIsComputedWithoutTheirOwnHeader() throws {
    let without = ELFSample.program.changing(0) { $0.type = 0 }
    #expect(try withView(without.bytes) { try ELFImage($0).programHeaderAddress } == 0x40_0040)
    let lying = ELFSample.program.changing(0) { $0.address = 0x40_1040 }
    #expect(try withView(lying.bytes) { try ELFImage($0).programHeaderAddress } == 0x40_0040)
    let unloaded = ELFSample.program.changing(1) { $0.fileSize = 64 + 6 * 56 - 1 }
    #expect(try withView(unloaded.bytes) { try ELFImage($0).programHeaderAddress } == nil)
  }

  @Test func stackIsExecutableOnlyWhereTheProgramAsks() throws {
    let executable = ELFSample.program.changing(5) { $0.flags = 7 }
    #expect(try withView(executable.bytes) { try ELFImage($0).stackExecutable })
    let silent = ELFSample.program.changing(5) { $0.type = 0 }
    #expect(try !withView(silent.bytes) { try ELFImage($0).stackExecutable })
  }

  @Test func interpreterIsNamed() throws {
    try withView(ELFSample.interpreted(Array("/lib64/ld-linux-x86-64.so.2\0".utf8))) { view in
      let image = try ELFImage(view)
      #expect(image.interpreter.map { $0 == "/lib64/ld-linux-x86-64.so.2" } == true)
      #expect(image.threadLocalStorage != nil)
    }
  }

  @Test func emptySegmentIsNotCounted() throws {
    let sample = ELFSample.program.changing(3) {
      $0.fileSize = 0
      $0.memorySize = 0
    }
    #expect(try withView(sample.bytes) { try ELFImage($0).segmentCount } == 2)
  }

  @Test func segmentMayEndWhereUserMemoryEnds() throws {
    let sample = ELFSample.program.changing(3) { $0.memorySize = ELFImage.endOfUserMemory - $0.address }
    #expect(try withView(sample.bytes) { try ELFImage($0).segment(at: 2)?.end } == 0x7FFF_FFFF_F000)
  }

  @Test func entryMayBeInTheZerosOfAnExecutableSegment() throws {
    var sample = ELFSample.program.changing(2) { $0.fileSize = 0 }
    sample.entry = 0x40_1122
    #expect(try withView(sample.bytes) { try ELFImage($0).entry } == 0x40_1122)
  }

  @Test func outputOfTheLinkerIsUnderstood() throws {
    try withView(linkedProgram) { view in
      let image = try ELFImage(view)
      #expect(image.type == .executable && image.entry == 0x20_01D0)
      #expect(image.programHeaderAddress == 0x20_0040 && image.programHeaderCount == 7)
      #expect(image.segmentCount == 3)
      #expect(image.segment(at: 0)?.executable == true)
      let data = try #require(image.segment(at: 2))
      #expect(data.virtualAddress == 0x20_21E8 && data.fileSize == 4 && data.memorySize == 0x138C)
      #expect(image.content(of: data).map { Array($0.bytes) } == [3, 0, 0, 0])
      #expect(image.threadLocalStorage?.memorySize == 40 && image.threadLocalStorage?.alignment == 16)
      #expect(image.interpreter == nil && !image.stackExecutable)
    }
  }

  @Test func runningTestProgramIsUnderstood() throws {
    let file = open("/proc/self/exe", O_RDONLY)
    try #require(file >= 0)
    defer { close(file) }
    let size = Int(lseek(file, 0, SEEK_END))
    let mapping = try #require(mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0))
    try #require(mapping != MAP_FAILED)
    defer { munmap(mapping, size) }
    let image = try ELFImage(ByteView(base: mapping, count: size))
    #expect(image.programHeaderAddress != nil)
    #expect(image.segmentCount >= 2)
    #expect(image.interpreter?.string.contains("/ld-linux") ?? true)
  }
}
