import Core
import Testing

@Suite struct FileSealsTests {
  @Test func sealsOfSizeRefuseTheirDirectionOnly() throws {
    try FileSeals.grow.checkSize(10, was: 20)
    try FileSeals.shrink.checkSize(20, was: 10)
    try FileSeals([.grow, .shrink, .write]).checkSize(10, was: 10)
    #expect(throws: Errno.notPermitted) { try FileSeals.grow.checkSize(20, was: 10) }
    #expect(throws: Errno.notPermitted) { try FileSeals.shrink.checkSize(10, was: 20) }
  }

  @Test func bothSealsOfWritingRefuseWrites() {
    for seals: FileSeals in [.write, .futureWrite, [.write, .grow]] {
      #expect(seals.refusesWrites)
      #expect(throws: Errno.notPermitted) { try seals.writableCount(at: 0, count: 1, size: 4096) }
    }
    #expect(!FileSeals([.grow, .shrink, .seal]).refusesWrites)
  }

  @Test func writesEndWithTheLastWholePageOfAFileThatMayNotGrow() throws {
    let seals = FileSeals.grow
    #expect(try seals.writableCount(at: 4000, count: 96, size: 4096) == 96)
    #expect(try seals.writableCount(at: 0, count: 12288, size: 8192) == 8192)
    #expect(try seals.writableCount(at: 100, count: 12288, size: 8292) == 8092)
    // The piece in the last page would end behind the file, and is refused whole.
    #expect(throws: Errno.notPermitted) { try seals.writableCount(at: 50, count: 100, size: 100) }
    #expect(throws: Errno.notPermitted) { try seals.writableCount(at: 8192, count: 1, size: 8192) }
    #expect(throws: Errno.notPermitted) { try seals.writableCount(at: 9000, count: 1, size: 8192) }
    #expect(try FileSeals.shrink.writableCount(at: 9000, count: 7, size: 8192) == 7)
  }
}
