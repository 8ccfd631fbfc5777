import Core
import Machine

/// Why a program could not be started. Nothing has changed then.
public enum ProgramError: Error, Sendable {
  case notFound
  case notAProgram(ELFError)
  /// It asks for a dynamic linker, which is not there.
  case needsInterpreter
  case outOfMemory
  case argumentsTooLong

  public var message: StaticString {
    switch self {
    case .notFound: "no such file in the archive"
    case .notAProgram(let error): error.message
    case .needsInterpreter: "dynamically linked; link it with -static"
    case .outOfMemory: "out of memory"
    case .argumentsTooLong: "the arguments are too long"
    }
  }

  var errno: Errno {
    switch self {
    case .notFound: .noEntry
    case .notAProgram, .needsInterpreter: .notExecutable
    case .outOfMemory: .outOfMemory
    case .argumentsTooLong: .argumentsTooLong
    }
  }
}

/// A program in memory, ready to run.
struct ProgramImage {
  /// The name of the file in the archive.
  let path: ByteView
  let space: AddressSpace
  let entry: UInt64
  let stackPointer: UInt64

  private static var stackTop: UInt64 { UserMemory.limit - 4096 }
  /// Where a position-independent program is put.
  private static var relocatedBase: UInt64 { 0x5555_5555_4000 }

  /// Maps a program and lays out its first stack (System V ABI, AMD64 supplement, section 3.4.1).
  static func load(
    _ file: RootFiles.File, path: ByteView, arguments: borrowing StringVector,
    environment: borrowing StringVector
  ) throws(ProgramError) -> ProgramImage {
    let image: ELFImage
    do throws(ELFError) { image = try ELFImage(file.data) } catch { throw .notAProgram(error) }
    if image.interpreter != nil { throw .needsInterpreter }
    guard let space = AddressSpace() else { throw .outOfMemory }
    let base: UInt64 = image.type == .executable ? 0 : relocatedBase
    var end: UInt64 = 0
    guard let store = RootFiles.store(of: file) else { throw .outOfMemory }
    do throws(AddressSpace.Failure) {
      for index in 0..<image.segmentCount {
        guard let segment = image.segment(at: index) else { continue }
        try map(segment, of: store, at: base, in: space)
        end = max(end, base + segment.end)
      }
      try space.map(
        MemoryRegion(
          start: stackTop - 0x2_1000, end: stackTop, protection: [.read, .write], kind: .anonymousPrivate,
          growsDown: true), replacing: false)
    } catch {
      throw .outOfMemory
    }
    space.setBreakStart((end + 4095) & ~4095)
    let entry = base + image.entry
    let stackPointer = try layOutStack(
      in: space, image: image, base: base, path: path, arguments: arguments, environment: environment)
    return ProgramImage(path: file.name, space: space, entry: entry, stackPointer: stackPointer)
  }

  private static func map(
    _ segment: LoadSegment, of store: PageStore, at base: UInt64, in space: AddressSpace
  ) throws(AddressSpace.Failure) {
    var protection: MemoryProtection = []
    if segment.readable { protection.insert(.read) }
    if segment.writable { protection.insert(.write) }
    if segment.executable { protection.insert(.execute) }
    let start = base + segment.virtualAddress
    let pageStart = start & ~4095
    let end = (start + segment.memorySize + 4095) & ~4095
    let lead = start - pageStart
    var fileEnd = pageStart
    if segment.fileSize > 0 {
      fileEnd = (start + segment.fileSize + 4095) & ~4095
      try space.map(
        MemoryRegion(
          start: pageStart, end: fileEnd, protection: protection, kind: .sourcePrivate,
          sourceOffset: segment.fileOffset - lead,
          sourceBytes: segment.memorySize > segment.fileSize ? segment.fileSize + lead : nil),
        of: MappedSource(store: store), replacing: true)
    }
    if fileEnd < end {
      try space.map(
        MemoryRegion(start: fileEnd, end: end, protection: protection, kind: .anonymousPrivate),
        replacing: true)
    }
  }

  /// Entries of the auxiliary vector (getauxval(3)).
  private enum Auxiliary {
    static var programHeaders: UInt64 { 3 }
    static var programHeaderSize: UInt64 { 4 }
    static var programHeaderCount: UInt64 { 5 }
    static var pageSize: UInt64 { 6 }
    static var base: UInt64 { 7 }
    static var flags: UInt64 { 8 }
    static var entry: UInt64 { 9 }
    static var userID: UInt64 { 11 }
    static var effectiveUserID: UInt64 { 12 }
    static var groupID: UInt64 { 13 }
    static var effectiveGroupID: UInt64 { 14 }
    static var platform: UInt64 { 15 }
    static var hardwareCapabilities: UInt64 { 16 }
    static var clockTicks: UInt64 { 17 }
    static var secure: UInt64 { 23 }
    static var random: UInt64 { 25 }
    static var executablePath: UInt64 { 31 }
    static var minimalSignalStack: UInt64 { 51 }
  }

  /// Writes strings, auxiliary vector and pointers, and returns the stack pointer.
  private static func layOutStack(
    in space: AddressSpace, image: ELFImage, base: UInt64, path: ByteView,
    arguments: borrowing StringVector, environment: borrowing StringVector
  ) throws(ProgramError) -> UInt64 {
    var top = stackTop - 16
    func push(_ bytes: UnsafeRawBufferPointer) throws(ProgramError) -> UInt64 {
      top -= UInt64(bytes.count)
      guard bytes.count == 0 || space.write(bytes, at: top) else { throw .outOfMemory }
      return top
    }
    func pushText(_ text: ByteView) throws(ProgramError) -> UInt64 {
      top -= 1  // the page is zero already
      return try push(text.bytes)
    }
    let pathAddress = try pushText(path)
    let environmentAddress = try push(environment.bytes)
    let argumentsAddress = try push(arguments.bytes)
    let platformAddress = try pushText(ByteView("x86_64"))
    var random = (RandomSource.next(), RandomSource.next())
    let randomAddress = try withUnsafeBytes(of: &random) { bytes throws(ProgramError) in try push(bytes) }

    let auxiliary: InlineArray<38, UInt64> = [
      Auxiliary.programHeaders, image.programHeaderAddress.map { base + $0 } ?? 0,
      Auxiliary.programHeaderSize, UInt64(image.programHeaderEntrySize),
      Auxiliary.programHeaderCount, UInt64(image.programHeaderCount),
      Auxiliary.pageSize, 4096, Auxiliary.base, 0, Auxiliary.flags, 0,
      Auxiliary.entry, base + image.entry, Auxiliary.userID, 0, Auxiliary.effectiveUserID, 0,
      Auxiliary.groupID, 0, Auxiliary.effectiveGroupID, 0, Auxiliary.platform, platformAddress,
      Auxiliary.hardwareCapabilities, UInt64(executeCPUID(1, 0).edx), Auxiliary.clockTicks, 100,
      Auxiliary.secure, 0, Auxiliary.random, randomAddress, Auxiliary.executablePath, pathAddress,
      Auxiliary.minimalSignalStack, UInt64(KernelFPU.configuration.userSize + 1024),
      0, 0,
    ]

    let words = 1 + arguments.count + 1 + environment.count + 1 + 38
    guard let memory = KernelHeap.allocate(size: words * 8, alignment: 16) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    let table = memory.bindMemory(to: UInt64.self, capacity: words)
    table[0] = UInt64(arguments.count)
    var next = 1
    next = fill(table, from: next, strings: arguments.bytes, at: argumentsAddress)
    next = fill(table, from: next, strings: environment.bytes, at: environmentAddress)
    for index in 0..<38 { table[next + index] = auxiliary[index] }
    let stackPointer = (top - UInt64(words * 8)) & ~15
    guard space.write(UnsafeRawBufferPointer(start: memory, count: words * 8), at: stackPointer) else {
      throw .outOfMemory
    }
    return stackPointer
  }

  /// Writes the address of each string, and a null pointer. Returns the next free place.
  private static func fill(
    _ table: UnsafeMutablePointer<UInt64>, from first: Int, strings: UnsafeRawBufferPointer,
    at address: UInt64
  ) -> Int {
    var place = first
    var offset = 0
    while offset < strings.count {
      table[place] = address + UInt64(offset)
      place += 1
      while strings[offset] != 0 { offset += 1 }
      offset += 1
    }
    table[place] = 0
    return place + 1
  }
}
