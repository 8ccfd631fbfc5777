import Core
import Machine

/// How system calls name files: by descriptors, and by paths in user memory.
extension SystemCalls {
  /// The open file behind a descriptor of the current process, which is not one that O_PATH gave.
  @inline(__always)
  static func file(_ descriptor: UInt64) throws(Errno) -> OpenFile {
    let file = try anyFile(descriptor)
    if file.flags.contains(.path) { throw .badFile }
    return file
  }

  /// The open file behind a descriptor of the current process, of whatever kind.
  @inline(__always)
  static func anyFile(_ descriptor: UInt64) throws(Errno) -> OpenFile {
    try Scheduler.current.pointee.process!.files.file(Int32(truncatingIfNeeded: descriptor))
  }

  /// Gives a new open file the lowest free descriptor of the current process.
  static func addDescriptor(_ file: OpenFile, closesOnExec: Bool, minimum: Int32 = 0) throws(Errno) -> Int64 {
    Int64(
      try Scheduler.current.pointee.process!.files.add(
        file, closesOnExec: closesOnExec, minimum: minimum, limit: descriptorLimit))
  }

  /// The same for a file whose opening changes something: where there is no descriptor left, nothing happens.
  static func addDescriptor(closesOnExec: Bool, opening open: () throws(Errno) -> OpenFile) throws(Errno) -> Int64 {
    let table: DescriptorTable = Scheduler.current.pointee.process!.files
    let descriptor = try table.reserve(limit: descriptorLimit)
    do throws(Errno) {
      table.fill(descriptor, with: try open(), closesOnExec: closesOnExec)
    } catch {
      table.giveBack(descriptor)
      throw error
    }
    return Int64(descriptor)
  }

  /// RLIMIT_NOFILE
  static var descriptorLimit: Int32 {
    Int32(clamping: Scheduler.current.pointee.process!.limit(.openFiles))
  }

  /// The current process's root and working directory.
  @inline(__always)
  static var fileSystem: FileSystemContext { Scheduler.current.pointee.process!.fileSystem }

  /// How the current process looks paths up.
  @inline(__always)
  static var lookup: PathLookup { PathLookup(root: fileSystem.root, identity: .current) }

  /// Where a path begins: at the root, or at the directory that a descriptor stands for (openat(2)).
  static func start(_ descriptor: UInt64, _ path: ByteView, _ lookup: PathLookup) throws(Errno) -> Path {
    if path.count > 0, path.bytes[0] == UInt8(ascii: "/") { return lookup.root }
    let number = Int32(truncatingIfNeeded: descriptor)
    if number == AtFlags.workingDirectory { return fileSystem.workingDirectory }
    if path.count == 0 { throw .noEntry }
    guard let location = try anyFile(descriptor).location, location.node.mode.isDirectory else {
      throw .notDirectory
    }
    return location
  }

  /// The file that a path in user memory names.
  static func find(
    _ descriptor: UInt64, _ address: UInt64, followsLast: Bool = true, identity: FileIdentity = .current
  ) throws(Errno) -> Path {
    let path = try UserPath(address)
    let lookup = PathLookup(root: fileSystem.root, identity: identity)
    return try FileTree.find(
      path.view, from: start(descriptor, path.view, lookup), lookup, followsLast: followsLast)
  }

  /// The file that a descriptor and a path name, where an empty path may stand for the descriptor's own file
  /// (AT_EMPTY_PATH). The place is nil for files without one.
  static func findNode(
    _ descriptor: UInt64, _ address: UInt64, _ flags: UInt64, identity: FileIdentity = .current
  ) throws(Errno) -> (node: FileNode, place: Path?) {
    if flags & AtFlags.emptyPath != 0 {
      guard let first: UInt8 = address == 0 ? 0 : UserMemory.load(0, from: address) else { throw .badAddress }
      if first == 0 {
        if Int32(truncatingIfNeeded: descriptor) == AtFlags.workingDirectory {
          let place = fileSystem.workingDirectory
          return (place.node, place)
        }
        let file = try anyFile(descriptor)
        return (file.node, file.location)
      }
    }
    let place = try find(
      descriptor, address, followsLast: flags & AtFlags.noFollow == 0, identity: identity)
    return (place.node, place)
  }
}

/// The flags of the calls whose names end in `at`, with Linux's values (fcntl.h).
enum AtFlags {
  static var workingDirectory: Int32 { -100 }  // AT_FDCWD
  static var workingDirectoryArgument: UInt64 { UInt64(bitPattern: -100) }
  static var noFollow: UInt64 { 0x100 }  // AT_SYMLINK_NOFOLLOW
  static var effectiveAccess: UInt64 { 0x200 }  // AT_EACCESS
  static var removeDirectory: UInt64 { 0x200 }  // AT_REMOVEDIR
  static var follow: UInt64 { 0x400 }  // AT_SYMLINK_FOLLOW
  static var noAutomount: UInt64 { 0x800 }  // AT_NO_AUTOMOUNT
  static var emptyPath: UInt64 { 0x1000 }  // AT_EMPTY_PATH
}

/// A path that a program gives, copied out of its memory.
struct UserPath: ~Copyable {
  private let memory: UnsafeMutableRawPointer
  private let count: Int

  /// Most paths are shorter.
  private static var shortSize: Int { 192 }

  /// - Throws: EFAULT, ENAMETOOLONG, ENOMEM.
  init(_ address: UInt64) throws(Errno) {
    (memory, count) = try Self.copy(address, Self.shortSize)
  }

  /// A text of the kernel's in the place of one.
  init(literal: StaticString) throws(Errno) {
    let text = ByteView(literal)
    memory = try DirectoryEntry.copy(text)
    count = text.count
  }

  deinit { KernelHeap.deallocate(memory) }

  private static func copy(_ address: UInt64, _ size: Int) throws(Errno) -> (UnsafeMutableRawPointer, Int) {
    guard let memory = KernelHeap.allocate(size: size, alignment: 8) else { throw .outOfMemory }
    let length = UserMemory.copyInString(
      UnsafeMutableBufferPointer(start: memory.assumingMemoryBound(to: UInt8.self), count: size), from: address)
    if let length, length < size { return (memory, length) }
    KernelHeap.deallocate(memory)
    guard length != nil else { throw .badAddress }
    guard size < PathLimits.path else { throw .nameTooLong }
    return try copy(address, PathLimits.path)
  }

  /// The text without its zero, as long as this value lives.
  var view: ByteView { ByteView(base: memory, count: count) }
}
