import Core
import Testing

@Suite struct ELFHostileTests {
  /// Everything that a loader would do, with the promises of the image checked on the way.
  static func use(_ view: ByteView) throws(ELFError) -> UInt32 {
    let image = try ELFImage(view)
    var sum = touch(image.interpreter)
    var end: UInt64 = 0
    precondition(image.segmentCount > 0)
    for index in 0..<image.segmentCount {
      let segment = image.segment(at: index)!
      sum &+= touch(image.content(of: segment)!)
      precondition(segment.fileSize <= segment.memorySize && segment.memorySize > 0)
      precondition(index == 0 || segment.virtualAddress / 4096 > (end - 1) / 4096)
      end = segment.virtualAddress + segment.memorySize
      precondition(end <= ELFImage.endOfUserMemory)
      precondition(segment.virtualAddress % 4096 == segment.fileOffset % 4096)
    }
    precondition(image.segment(at: image.segmentCount) == nil)
    precondition(image.type == .sharedObject || image.segment(at: 0)!.virtualAddress >= 0x1_0000)
    return sum
  }

  static var broken: [(ELFError, [UInt8])] {
    let sample = ELFSample.program
    let bytes = sample.bytes
    func header(_ index: Int, _ change: (inout ELFSample.Header) -> Void) -> [UInt8] {
      sample.changing(index, change).bytes
    }
    func entry(_ entry: UInt64) -> [UInt8] { bytes.setting(entry, at: 24, as: UInt64.self) }
    return [
      (.fileTooShort, []), (.fileTooShort, Array(bytes[..<15])), (.fileTooShort, Array(bytes[..<63])),
      (.badMagic, bytes.setting(0x7E, at: 0, as: UInt8.self)), (.badMagic, Array("#!/bin/sh\n-------".utf8)),
      (.notSixtyFourBit, bytes.setting(1, at: 4, as: UInt8.self)),
      (.notLittleEndian, bytes.setting(2, at: 5, as: UInt8.self)),
      (.badVersion, bytes.setting(0, at: 6, as: UInt8.self)),
      (.badVersion, bytes.setting(2, at: 20, as: UInt32.self)),
      (.notExecutable, bytes.setting(1, at: 16, as: UInt16.self)),
      (.notExecutable, bytes.setting(4, at: 16, as: UInt16.self)),
      (.wrongMachine, bytes.setting(3, at: 18, as: UInt16.self)),
      (.badHeaderSize, bytes.setting(63, at: 52, as: UInt16.self)),
      (.badProgramHeaderSize, bytes.setting(32, at: 54, as: UInt16.self)),
      (.badProgramHeaderSize, bytes.setting(0, at: 54, as: UInt16.self)),
      (.noProgramHeaders, bytes.setting(0, at: 56, as: UInt16.self)),
      (.tooManyProgramHeaders, bytes.setting(74, at: 56, as: UInt16.self)),
      (.tooManyProgramHeaders, bytes.setting(0xFFFF, at: 56, as: UInt16.self)),
      (.programHeadersBeyondEnd, bytes.setting(UInt64(bytes.count - 335), at: 32, as: UInt64.self)),
      (.programHeadersBeyondEnd, bytes.setting(.max, at: 32, as: UInt64.self)),
      (.programHeadersBeyondEnd, bytes.setting(.max / 2, at: 32, as: UInt64.self)),
      (.noLoadSegment, ELFSample(headers: [ELFSample.Header(type: 6)]).bytes),
      (.noLoadSegment, ELFSample(headers: [ELFSample.Header()]).bytes),
      (.segmentBeyondEnd, header(3) { $0.fileSize = 0x2000 }),
      (.segmentBeyondEnd, header(3) { $0.offset = .max - 0xEDB }),
      (.segmentBeyondEnd, header(4) { $0.offset = .max }),
      (.fileSizeAboveMemorySize, header(2) { $0.fileSize = 0x124 }),
      (.fileSizeAboveMemorySize, header(4) { $0.fileSize = 25 }),
      (.segmentOutsideUserMemory, header(3) { $0.memorySize = 0x7FFF_FFBF_CEDD }),
      (.segmentOutsideUserMemory, header(3) { $0.memorySize = .max }),
      (.segmentOutsideUserMemory, header(3) { $0.address = 0xFFFF_8000_0000_0124 }),
      (.segmentOutsideUserMemory, header(4) { $0.address = .max }),
      (.segmentBelowLowestAddress, header(1) { $0.address = 0xF000 }),
      (.segmentBelowLowestAddress, header(1) { $0.address = 0 }),
      (.segmentsOutOfOrder, header(3) { $0.address = 0x20_0124 }),
      (.segmentsOverlap, header(2) { $0.memorySize = 0x1125 }),
      (
        .segmentsOverlap,
        header(3) {
          $0.address = 0x40_1000
          $0.offset = 0x1000
        }
      ),
      (.segmentsShareAPage, header(2) { $0.memorySize = 0x1124 }),
      (.segmentsShareAPage, header(2) { $0.memorySize = 0x1001 }),
      (.alignmentNotPowerOfTwo, header(2) { $0.alignment = 4095 }),
      (.alignmentNotPowerOfTwo, header(4) { $0.alignment = 24 }),
      (.offsetNotCongruent, header(3) { $0.offset = 0x1125 }),
      (.entryNotExecutable, entry(0x40_0FFF)), (.entryNotExecutable, entry(0x40_1123)),
      (.entryNotExecutable, entry(0x40_2124)), (.entryNotExecutable, entry(0)),
      (.entryNotExecutable, entry(.max)),
      (.interpreterLength, ELFSample.interpreted([0])), (.interpreterLength, ELFSample.interpreted([])),
      (.interpreterLength, ELFSample.interpreted([0, 0])),
      (.interpreterLength, ELFSample.interpreted(Array("/ld\0".utf8), size: 4097)),
      (.interpreterNotTerminated, ELFSample.interpreted(Array("/ld".utf8))),
      (.interpreterNotTerminated, ELFSample.interpreted(Array("/l\0d\0".utf8))),
      (.segmentBeyondEnd, ELFSample.interpreted([], size: .max)),
    ]
  }

  @Test func eachDefectHasItsName() {
    for (error, bytes) in Self.broken {
      withView(bytes) { view in
        #expect(throws: error) { try ELFImage(view) }
      }
    }
    #expect(Set(Self.broken.map(\.0)) == Set(ELFError.allCases))
    for error in ELFError.allCases { #expect(error.message.utf8CodeUnitCount > 0) }
  }

  @Test func everyTruncationBeforeTheLastSegmentIsRefused() {
    // What is behind the last segment in the file is not the program's.
    let sample = ELFSample.program.bytes
    forEachTruncation(of: sample) { count, view in
      let isWhole = (try? Self.use(view)) != nil
      if isWhole != (count >= 0x1134) { Issue.record("cut to \(count) bytes: accepted \(isWhole)") }
    }
    forEachTruncation(of: linkedProgram) { count, view in
      let isWhole = (try? Self.use(view)) != nil
      if isWhole != (count == linkedProgram.count) {
        Issue.record("cut to \(count) bytes: accepted \(isWhole)")
      }
    }
  }

  @Test func damagedProgramsNeverTrap() {
    var accepted = 0
    let samples = [
      linkedProgram, ELFSample.positionIndependent.bytes, ELFSample.interpreted(Array("/ld\0".utf8)),
    ]
    for (index, sample) in samples.enumerated() {
      // Only headers are damaged, so that nearly every change hits something that is read.
      let headers = Array(sample[..<(64 + 6 * 56)])
      let rest = Array(sample[headers.count...].prefix(0x1800))
      forEachMutation(of: headers, followedBy: rest, count: 10_000, seed: UInt64(8 + index)) {
        if (try? Self.use($0)) != nil { accepted += 1 }
      }
    }
    #expect(accepted > 300 && accepted < 29_000)
  }
}
