import Core
import Machine

extension SystemCalls {
  /// memfd_create(2): MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_NOEXEC_SEAL, MFD_EXEC.
  static func memfd_create(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = arguments.second & 0xFFFF_FFFF
    guard flags & ~(0x1 | 0x2 | 0x8 | 0x10) == 0, flags & 0x18 != 0x18 else { throw .invalid }
    var name = InlineArray<250, UInt8>(repeating: 0)
    let length = withUnsafeMutableBytes(of: &name) { bytes in
      UserMemory.copyInString(bytes.bindMemory(to: UInt8.self), from: arguments.first)
    }
    guard let length else { throw .badAddress }
    guard length < 250 else { throw .invalid }
    try MemoryFileSystem.checkMemory()
    let permissions: UInt32 = flags & 0x8 != 0 ? 0o666 : 0o777
    let file = MemoryFile(
      fileSystem: AnonymousFiles.memory, number: AnonymousFiles.memory.makeNumber(),
      mode: .regular.with(permissions: permissions), budget: nil)
    if length > 0 {
      let isNamed = withUnsafeBytes(of: name) {
        file.setName(ByteView(UnsafeRawBufferPointer(rebasing: $0[0..<length])))
      }
      guard isNamed else { throw .outOfMemory }
    }
    file.stampNew()
    // A name that nobody can look up.
    file.linkCount = 0
    if flags & 0x2 != 0 || flags & 0x8 != 0 { file.seals = [] }
    // As on Linux the first open file does not keep it from being run.
    return try addDescriptor(
      OpenMemoryFile(file, [.readWrite, .largeFile], isCounted: false), closesOnExec: flags & 0x1 != 0)
  }
}
