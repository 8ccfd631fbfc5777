/// Why a file is not a program that the kernel can run.
public enum ELFError: UInt8, Error, CaseIterable, Sendable {
  case fileTooShort
  case badMagic
  case notSixtyFourBit
  case notLittleEndian
  case badVersion
  case notExecutable
  case wrongMachine
  case badHeaderSize
  case badProgramHeaderSize
  case noProgramHeaders
  case tooManyProgramHeaders
  case programHeadersBeyondEnd
  case noLoadSegment
  case segmentBeyondEnd
  case fileSizeAboveMemorySize
  case segmentOutsideUserMemory
  case segmentBelowLowestAddress
  case segmentsOutOfOrder
  case segmentsOverlap
  case segmentsShareAPage
  case alignmentNotPowerOfTwo
  case offsetNotCongruent
  case entryNotExecutable
  case interpreterLength
  case interpreterNotTerminated

  public var message: StaticString {
    switch self {
    case .fileTooShort: "ELF: the file is shorter than its header"
    case .badMagic: "ELF: not an ELF file"
    case .notSixtyFourBit: "ELF: not a 64-bit program"
    case .notLittleEndian: "ELF: not little-endian"
    case .badVersion: "ELF: unknown version"
    case .notExecutable: "ELF: neither an executable nor position-independent"
    case .wrongMachine: "ELF: not for x86-64"
    case .badHeaderSize: "ELF: the header states a wrong size of its own"
    case .badProgramHeaderSize: "ELF: program headers of the wrong size"
    case .noProgramHeaders: "ELF: no program headers"
    case .tooManyProgramHeaders: "ELF: too many program headers"
    case .programHeadersBeyondEnd: "ELF: program headers beyond the end of the file"
    case .noLoadSegment: "ELF: nothing to load"
    case .segmentBeyondEnd: "ELF: a segment reaches beyond the end of the file"
    case .fileSizeAboveMemorySize: "ELF: a segment is larger in the file than in memory"
    case .segmentOutsideUserMemory: "ELF: a segment reaches beyond user memory"
    case .segmentBelowLowestAddress: "ELF: a segment is below the lowest address for programs"
    case .segmentsOutOfOrder: "ELF: segments are not in ascending order"
    case .segmentsOverlap: "ELF: segments overlap"
    case .segmentsShareAPage: "ELF: two segments share a page"
    case .alignmentNotPowerOfTwo: "ELF: an alignment is not a power of two"
    case .offsetNotCongruent: "ELF: a segment's offset and address differ within the page"
    case .entryNotExecutable: "ELF: the entry is in no executable segment"
    case .interpreterLength: "ELF: the interpreter's path is empty or too long"
    case .interpreterNotTerminated: "ELF: the interpreter's path has no end"
    }
  }
}
