import Core
import Machine

extension SystemCalls {
  /// memfd_create(2)'s flags.
  private enum MemoryFileFlags {
    static var closeOnExec: UInt64 { 0x1 }  // MFD_CLOEXEC
    static var allowSealing: UInt64 { 0x2 }  // MFD_ALLOW_SEALING
    static var hugePages: UInt64 { 0x4 }  // MFD_HUGETLB
    /// MFD_HUGE_MASK: the logarithm of a huge page's size.
    static var hugePageSize: UInt64 { 0x3F << 26 }
  }

  /// memfd_create(2)
  static func memfd_create(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = arguments.second & 0xFFFF_FFFF
    let hasHugePages = flags & MemoryFileFlags.hugePages != 0
    let known = MemoryFileFlags.closeOnExec | MemoryFileFlags.allowSealing | MemoryFileFlags.hugePages
    guard flags & ~(hasHugePages ? known | MemoryFileFlags.hugePageSize : known) == 0 else { throw .invalid }
    var name = InlineArray<250, UInt8>(repeating: 0)
    let length = withUnsafeMutableBytes(of: &name) { bytes in
      UserMemory.copyInString(bytes.bindMemory(to: UInt8.self), from: arguments.first)
    }
    guard let length else { throw .badAddress }
    guard length < 250 else { throw .invalid }
    // As Linux says that is built without them.
    if hasHugePages { throw .notImplemented }
    try MemoryFileSystem.checkMemory()
    let file = AnonymousFiles.made(
      MemoryFile(
        fileSystem: AnonymousFiles.memory, number: AnonymousFiles.memory.makeNumber(),
        mode: .regular.with(permissions: 0o777), budget: nil))
    if length > 0 {
      let isNamed = withUnsafeBytes(of: name) {
        file.setName(ByteView(UnsafeRawBufferPointer(rebasing: $0[0..<length])))
      }
      guard isNamed else { throw .outOfMemory }
    }
    file.stampNew()
    // A name that nobody can look up.
    file.linkCount = 0
    if flags & MemoryFileFlags.allowSealing != 0 { file.seals = [] }
    // As on Linux the first open file does not keep it from being run.
    return try addDescriptor(
      OpenMemoryFile(file, [.readWrite, .largeFile], isCounted: false), closesOnExec: flags & MemoryFileFlags.closeOnExec != 0)
  }
}
