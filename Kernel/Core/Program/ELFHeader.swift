/// The ELF header, validated (System V ABI, chapter 4).
struct ELFHeader {
  let type: ELFImage.Kind
  let entry: UInt64
  let programHeaderOffset: Int
  let programHeaderCount: Int

  init(_ file: ByteView) throws(ELFError) {
    try Self.validateIdentification(file)
    guard let type = file.integer(at: 16, as: UInt16.self),
      let machine = file.integer(at: 18, as: UInt16.self),
      let version = file.integer(at: 20, as: UInt32.self),
      let entry = file.integer(at: 24, as: UInt64.self),
      let tableOffset = file.integer(at: 32, as: UInt64.self),
      let headerSize = file.integer(at: 52, as: UInt16.self),
      let tableEntrySize = file.integer(at: 54, as: UInt16.self),
      let tableCount = file.integer(at: 56, as: UInt16.self),
      file.count >= ELFImage.headerSize
    else { throw .fileTooShort }
    switch type {
    case 2: self.type = .executable
    case 3: self.type = .sharedObject
    default: throw .notExecutable
    }
    guard machine == 62 else { throw .wrongMachine }
    guard version == 1 else { throw .badVersion }
    guard headerSize == ELFImage.headerSize else { throw .badHeaderSize }
    guard tableCount > 0 else { throw .noProgramHeaders }
    guard tableEntrySize == ProgramHeader.size else { throw .badProgramHeaderSize }
    guard tableCount <= ELFImage.largestProgramHeaderCount else { throw .tooManyProgramHeaders }
    guard let offset = Int(exactly: tableOffset),
      file.slice(at: offset, count: Int(tableCount) * ProgramHeader.size) != nil
    else { throw .programHeadersBeyondEnd }
    self.entry = entry
    programHeaderOffset = offset
    programHeaderCount = Int(tableCount)
  }

  /// The first bytes, which say how all others are to be read.
  private static func validateIdentification(_ file: ByteView) throws(ELFError) {
    guard let identification = file.slice(at: 0, count: 16) else { throw .fileTooShort }
    guard identification.hasPrefix("\u{7F}ELF") else { throw .badMagic }
    guard identification[4] == 2 else { throw .notSixtyFourBit }
    guard identification[5] == 1 else { throw .notLittleEndian }
    guard identification[6] == 1 else { throw .badVersion }
  }
}
