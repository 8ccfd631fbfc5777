import Core
import Machine

/// A program in memory, ready to run.
struct ProgramImage {
  let space: AddressSpace
  let entry: UInt64
  let stackPointer: UInt64
  /// What the process is from the program's first instruction on (set-user-ID, capabilities).
  let credentials: Credentials
  /// Whether whoever runs it may read its files, too.
  let isReadable: Bool

  /// What a program is made of, beside its file.
  struct Start {
    /// The path that was started, for AT_EXECFN.
    var path: ByteView
    /// The caller's, which the file may change.
    var credentials: Credentials
    var stackLimit: UInt64
    var isRandomized = true
  }

  /// Maps a program, and the interpreter that it names, and lays out its first stack (System V ABI, AMD64
  /// supplement, section 3.4.1).
  static func load(
    _ program: borrowing ProgramFile, _ start: Start, lookup: PathLookup, from directory: Path,
    arguments: borrowing StringVector, environment: borrowing StringVector
  ) throws(ProgramError) -> ProgramImage {
    let image = try program.image()
    guard let space = AddressSpace() else { throw .outOfMemory }
    space.layout = AddressSpaceLayout(
      stackLimit: start.stackLimit,
      random: start.isRandomized ? (RandomSource.next(), RandomSource.next()) : (0, 0))
    space.program = program.file

    var base: UInt64 = 0
    if image.type == .sharedObject {
      base = space.layout.programBase & ~(image.alignment - 1)
      guard let span = image.span, base <= UserMemory.limit - span.upperBound else {
        throw .failed(.outOfMemory)
      }
      base &-= span.lowerBound & ~4095
    }
    try program.map(image, at: base, in: space)
    space.setBreakStart(((image.span.map { base &+ $0.upperBound } ?? 0) &+ 4095) & ~4095, image.type)

    var entry = base &+ image.entry
    var isReadable = program.isReadable
    var interpreterBase: UInt64 = 0
    if let range = image.interpreterRange {
      let interpreter = try program.openInterpreter(range, image, lookup: lookup, from: directory)
      let interpreterImage = try interpreter.image()
      interpreterBase = try interpreter.base(of: interpreterImage, in: space)
      try interpreter.map(interpreterImage, at: interpreterBase, in: space, isInterpreter: true)
      interpreter.allowWriting()
      if !interpreter.isReadable { isReadable = false }
      entry = interpreterBase &+ interpreterImage.entry
    }
    var credentials = program.credentials(from: start.credentials)
    let isSecure =
      credentials.user.real != credentials.user.effective || credentials.group.real != credentials.group.effective
    credentials.startProgram()

    var auxiliary = AuxiliaryVector()
    auxiliary.append(.virtualDynamicObject, TimePage.map(into: space))
    auxiliary.append(.hardwareCapabilities, UInt64(executeCPUID(1, 0).edx))
    auxiliary.append(.pageSize, 4096)
    auxiliary.append(.clockTicks, 100)
    auxiliary.append(.programHeaders, image.programHeaderAddress.map { base &+ $0 } ?? 0)
    auxiliary.append(.programHeaderSize, UInt64(image.programHeaderEntrySize))
    auxiliary.append(.programHeaderCount, UInt64(image.programHeaderCount))
    auxiliary.append(.base, interpreterBase)
    auxiliary.append(.flags, 0)
    auxiliary.append(.entry, base &+ image.entry)
    auxiliary.append(.userID, UInt64(credentials.user.real))
    auxiliary.append(.effectiveUserID, UInt64(credentials.user.effective))
    auxiliary.append(.groupID, UInt64(credentials.group.real))
    auxiliary.append(.effectiveGroupID, UInt64(credentials.group.effective))
    auxiliary.append(.secure, isSecure ? 1 : 0)
    // HWCAP2_FSGSBASE
    auxiliary.append(.hardwareCapabilities2, readCR4() & 1 << 16 != 0 ? 2 : 0)
    auxiliary.append(.minimalSignalStack, KernelFPU.smallestSignalStack)

    let stackPointer = try ProgramStack.layOut(
      in: space, path: start.path, isExecutable: image.stackExecutable, &auxiliary, arguments: arguments,
      environment: environment)
    return ProgramImage(
      space: space, entry: entry, stackPointer: stackPointer, credentials: credentials, isReadable: isReadable)
  }
}

extension ProgramFile {
  /// What is added to an interpreter's addresses: where there is room for it; 0 where it is linked to fixed addresses,
  /// as klibc's is.
  fileprivate func base(of image: ELFImage, in space: AddressSpace) throws(ProgramError) -> UInt64 {
    guard image.type == .sharedObject else { return 0 }
    guard let span = image.span else { throw .failed(.notExecutable) }
    let size = ((span.upperBound + 4095) & ~4095) - span.lowerBound & ~4095
    do throws(Errno) {
      return try space.findPlace(size: size, hint: 0) & ~(image.alignment - 1) &- span.lowerBound & ~4095
    } catch {
      throw .failed(error)
    }
  }
}

extension AddressSpace {
  /// Where the heap begins: some way behind the program's last segment.
  fileprivate func setBreakStart(_ end: UInt64, _ type: ELFImage.Kind) {
    setBreakStart(min(end &+ layout.breakOffset, UserMemory.limit))
  }
}
