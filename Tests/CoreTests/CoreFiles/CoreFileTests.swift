import Testing

@testable import Core

@Suite struct CoreFileTests {
  private func bytes(_ count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: count)
    bytes.withUnsafeMutableBytes { fill($0) }
    return bytes
  }

  private func number<Value: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: [UInt8], _ offset: Int, _: Value.Type
  ) -> Value {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
  }

  @Test func headerIsThatOfACore() {
    let header = bytes(64) { CoreFile.writeHeader(to: $0, programHeaders: 7) }
    #expect(Array(header[0..<8]) == [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0])
    #expect(Array(header[8..<16]) == [UInt8](repeating: 0, count: 8))
    #expect(number(header, 16, UInt16.self) == 4)
    #expect(number(header, 18, UInt16.self) == 62)
    #expect(number(header, 32, UInt64.self) == 64)
    #expect(number(header, 54, UInt16.self) == 56)
    #expect(number(header, 56, UInt16.self) == 7)
  }

  @Test func segmentsHaveTheirProtection() {
    var segment = CoreFile.Segment(.load)
    segment.protection = [.read, .execute]
    segment.offset = 0x3000
    segment.address = 0x40_0000
    segment.fileSize = 0x1000
    segment.memorySize = 0x5000
    let bytes = bytes(56) { segment.write(to: $0) }
    #expect(number(bytes, 0, UInt32.self) == 1)
    #expect(number(bytes, 4, UInt32.self) == 5)
    #expect(number(bytes, 8, UInt64.self) == 0x3000)
    #expect(number(bytes, 16, UInt64.self) == 0x40_0000)
    #expect(number(bytes, 32, UInt64.self) == 0x1000)
    #expect(number(bytes, 40, UInt64.self) == 0x5000)
    #expect(number(bytes, 48, UInt64.self) == 4096)
  }

  @Test func notesAreAlignedAndNamed() {
    let core = bytes(20) { CoreFile.writeNoteHeader(.threadStatus, count: 336, to: $0) }
    #expect(Array(core[0..<12]) == [5, 0, 0, 0, 80, 1, 0, 0, 1, 0, 0, 0])
    #expect(Array(core[12..<20]) == Array("CORE".utf8) + [0, 0, 0, 0])
    let extended = bytes(20) { CoreFile.writeNoteHeader(.extendedState, count: 832, to: $0) }
    #expect(number(extended, 0, UInt32.self) == 6)
    #expect(number(extended, 8, UInt32.self) == 0x202)
    #expect(Array(extended[12..<20]) == Array("LINUX".utf8) + [0, 0, 0])
    #expect(CoreFile.size(ofNoteWith: 5) == 28)
    #expect(CoreFile.size(ofNoteWith: 8) == 28)
  }

  @Test func memoryBeginsOnAPage() {
    #expect(CoreFile.memoryOffset(programHeaders: 1, noteBytes: 0) == 4096)
    #expect(CoreFile.memoryOffset(programHeaders: 2, noteBytes: 4096 - 64 - 112) == 4096)
    #expect(CoreFile.memoryOffset(programHeaders: 2, noteBytes: 4096 - 64 - 112 + 1) == 8192)
  }

  @Test func threadsAreLaidOutAsByLinux() {
    var status = CoreThreadStatus()
    status.signal = 11
    status.pending = 0x1122
    status.identifier = 77
    status.userTime = 2_000_003
    status.registers[16] = 0x40_1234
    status.registers[26] = 9
    let bytes = bytes(336) { status.write(to: $0) }
    #expect(number(bytes, 0, Int32.self) == 11)
    #expect(number(bytes, 12, UInt16.self) == 11)
    #expect(number(bytes, 16, UInt64.self) == 0x1122)
    #expect(number(bytes, 32, Int32.self) == 77)
    #expect(number(bytes, 48, UInt64.self) == 2)
    #expect(number(bytes, 56, UInt64.self) == 3)
    #expect(number(bytes, 112 + 16 * 8, UInt64.self) == 0x40_1234)
    #expect(number(bytes, 112 + 26 * 8, UInt64.self) == 9)
    #expect(number(bytes, 328, UInt64.self) == 1)
  }

  @Test func commandLineIsWordsWithBlanksAndAZero() {
    var process = CoreProcessInformation()
    process.user = 1000
    let words = Array("cat\0file".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 72)
    for index in 0..<80 { process.arguments[index] = words[index] }
    process.argumentsCount = 80
    let bytes = bytes(136) { process.write(to: $0) }
    #expect(bytes[1] == UInt8(ascii: "R"))
    #expect(number(bytes, 16, UInt32.self) == 1000)
    #expect(Array(bytes[56..<64]) == Array("cat file".utf8))
    #expect(bytes[134] == UInt8(ascii: "x"))
    #expect(bytes[135] == 0)
  }

  @Test func whatIsOnlyAFilesIsLeftOut() {
    func region(
      _ kind: RegionKind, _ protection: MemoryProtection = [.read], attributes: RegionAttributes = []
    ) -> MemoryRegion {
      MemoryRegion(start: 0x10000, end: 0x18000, protection: protection, kind: kind, attributes: attributes)
    }
    func size(_ region: MemoryRegion, hasFile: Bool = true, own: Bool = false, header: Bool = false) -> UInt64 {
      CoreRegion.choose(region, hasFile: hasFile, hasOwnPages: own, beginsWithHeader: header).size(of: region)
    }
    #expect(size(region(.anonymousPrivate)) == 0x8000)
    #expect(size(region(.anonymousPrivate, [])) == 0x8000)
    #expect(size(region(.anonymousShared)) == 0x8000)
    #expect(size(region(.anonymousPrivate, attributes: .notDumped)) == 0)
    #expect(size(region(.sourcePrivate)) == 0)
    #expect(size(region(.sourcePrivate), own: true) == 0x8000)
    #expect(size(region(.sourcePrivate), header: true) == 4096)
    #expect(size(region(.sourcePrivate, []), header: true) == 0)
    #expect(size(region(.sourceShared), own: true) == 0)
    // The kernel's own object, and the page of the clock behind it.
    #expect(size(region(.sourceShared, [.read, .execute]), hasFile: false) == 0x8000)
    #expect(size(region(.sourceShared, [.read]), hasFile: false) == 0)
  }
}
