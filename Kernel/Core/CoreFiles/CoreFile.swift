/// How a core file is laid out (core(5), elf(5)): the header, the table of program headers, the notes, and from the next
/// page on the memory.
public enum CoreFile {
  public static var headerSize: Int { 64 }
  public static var programHeaderSize: Int { 56 }
  public static var pageSize: UInt64 { 4096 }
  /// The most program headers that the header can count.
  public static var programHeaderLimit: Int { 0xFFFE }

  /// The kinds of notes, by Linux's numbers.
  public enum Note: UInt32, Sendable {
    case threadStatus = 1  // NT_PRSTATUS
    case legacyState = 2  // NT_FPREGSET
    case process = 3  // NT_PRPSINFO
    case auxiliaryVector = 6  // NT_AUXV
    case extendedState = 0x202  // NT_X86_XSTATE
    case files = 0x4649_4C45  // NT_FILE
    case signal = 0x5349_4749  // NT_SIGINFO

    /// The name that goes with it: eight bytes with the zeros that align them.
    fileprivate var name: UInt64 { self == .extendedState ? 0x58_554E_494C : 0x45_524F_43 }  // LINUX, CORE
    fileprivate var nameLength: UInt32 { self == .extendedState ? 6 : 5 }
  }

  /// A program header.
  public struct Segment: Sendable {
    public enum Kind: UInt32, Sendable {
      case load = 1
      case note = 4
    }

    public var kind: Kind
    public var protection: MemoryProtection = []
    public var offset: UInt64 = 0
    public var address: UInt64 = 0
    public var fileSize: UInt64 = 0
    public var memorySize: UInt64 = 0

    public init(_ kind: Kind) { self.kind = kind }

    /// - Parameter bytes: at least `programHeaderSize`.
    public func write(to bytes: UnsafeMutableRawBufferPointer) {
      // PF_R, PF_W and PF_X in the opposite order of the protection's bits.
      var flags: UInt32 = 0
      if protection.contains(.read) { flags |= 4 }
      if protection.contains(.write) { flags |= 2 }
      if protection.contains(.execute) { flags |= 1 }
      bytes.set(kind.rawValue, at: 0)
      bytes.set(kind == .note ? 0 : flags, at: 4)
      bytes.set(offset, at: 8)
      bytes.set(address, at: 16)
      bytes.set(UInt64(0), at: 24)
      bytes.set(fileSize, at: 32)
      bytes.set(memorySize, at: 40)
      bytes.set(kind == .load ? pageSize : 4, at: 48)
    }
  }

  /// Writes the ELF header.
  ///
  /// - Parameter bytes: at least `headerSize`.
  public static func writeHeader(to bytes: UnsafeMutableRawBufferPointer, programHeaders: Int) {
    bytes.zero(0..<headerSize)
    bytes.set(UInt32(0x464C_457F), at: 0)  // the magic
    bytes.set(UInt32(0x0001_0102), at: 4)  // 64 bits, little-endian, version 1
    bytes.set(UInt16(4), at: 16)  // ET_CORE
    bytes.set(UInt16(62), at: 18)  // EM_X86_64
    bytes.set(UInt32(1), at: 20)
    bytes.set(UInt64(headerSize), at: 32)
    bytes.set(UInt16(headerSize), at: 52)
    bytes.set(UInt16(programHeaderSize), at: 54)
    bytes.set(UInt16(programHeaders), at: 56)
  }

  /// The bytes of a note in front of its contents.
  public static var noteHeaderSize: Int { 20 }

  /// The bytes that a note takes.
  public static func size(ofNoteWith count: Int) -> Int { noteHeaderSize + (count + 3) & ~3 }

  /// Writes what comes in front of a note's contents.
  ///
  /// - Parameter bytes: at least `noteHeaderSize`.
  public static func writeNoteHeader(_ note: Note, count: Int, to bytes: UnsafeMutableRawBufferPointer) {
    bytes.set(note.nameLength, at: 0)
    bytes.set(UInt32(count), at: 4)
    bytes.set(note.rawValue, at: 8)
    bytes.set(UInt32(truncatingIfNeeded: note.name), at: 12)
    bytes.set(UInt32(truncatingIfNeeded: note.name >> 32), at: 16)
  }

  /// Where the memory begins, behind headers and notes.
  public static func memoryOffset(programHeaders: Int, noteBytes: Int) -> UInt64 {
    let end = UInt64(headerSize + programHeaders * programHeaderSize + noteBytes)
    return (end + pageSize - 1) & ~(pageSize - 1)
  }
}
