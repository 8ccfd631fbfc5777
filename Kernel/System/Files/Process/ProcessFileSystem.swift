import Core
import Machine

/// /proc (proc(5)): one file system, however often it is mounted.
final class ProcessFileSystem: FileSystem, @unchecked Sendable {
  nonisolated(unsafe) private static var storedRoot: DirectoryEntry?
  nonisolated(unsafe) private static var storedOpenFiles: Mount?

  static var root: DirectoryEntry { storedRoot.unsafelyUnwrapped }
  /// By which links of /proc lead to open files that are nowhere mounted.
  static var openFiles: Mount { storedOpenFiles.unsafelyUnwrapped }

  /// While the machine comes up.
  static func initialize() throws(Errno) {
    let fileSystem = ProcessFileSystem(device: FileSystem.makeDevice(), typeName: "proc")
    let directory = ProcessRootDirectory(fileSystem, number: fileSystem.makeNumber())
    let root = DirectoryEntry(root: directory)
    storedRoot = root
    storedOpenFiles = try Mount(root: root, source: ByteView("none"), flags: [])
    directory.add("self", ProcessSelfLink(fileSystem, number: fileSystem.makeNumber()))
    directory.add("mounts", GeneratedTextLinkNode(fileSystem, to: "self/mounts"))
    directory.addFile("filesystems") { text in
      text.append("nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tramfs\nnodev\tdevtmpfs\nnodev\tdevpts\n")
    }
  }

  override var statistics: FileSystemStatistics { FileSystemStatistics(magic: 0x9FA0) }
}

/// The root of /proc: a directory for each process, by its number, beside what stays.
final class ProcessRootDirectory: GeneratedDirectoryNode, @unchecked Sendable {
  override func lookUp(_ name: ByteView) throws(Errno) -> FileNode {
    if name.count > 0, name.bytes[0] >= UInt8(ascii: "1"), name.bytes[0] <= UInt8(ascii: "9") {
      guard let number = name.unsignedInteger(radix: 10), number <= UInt64(Int32.max),
        Processes.find(Int32(number)) != nil
      else { throw .noEntry }
      return ProcessDirectory(fileSystem, process: Int32(number))
    }
    return try super.lookUp(name)
  }

  override func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) {
    if position < positionAfterChildren { try super.list(from: position, into: &listing) }
    if listing.isFull { return }
    // A process's position is its number behind the others'.
    var next = Int32(clamping: max(position - positionAfterChildren, 0))
    while let identifier = Processes.smallestIdentifier(from: next) {
      let isAdded = ProcessFile.withNumberText(UInt64(identifier)) { name in
        listing.add(
          name, number: ProcessFile.number(identifier, 0), type: FileMode.directory.directoryEntryType,
          position: positionAfterChildren + Int64(identifier) + 1)
      }
      if !isAdded || identifier == .max { return }
      next = identifier + 1
    }
  }
}

/// What the files of a process's directory have in common.
enum ProcessFile {
  /// An inode number: of a process's file, which is known by a number of its own.
  static func number(_ process: Int32, _ file: UInt64) -> UInt64 { UInt64(process) << 24 | 1 << 60 | file }

  /// The process, as long as it has not been waited for.
  static func process(_ identifier: Int32) throws(Errno) -> Process {
    guard let process = Processes.find(identifier) else { throw .noProcess }
    return process
  }

  /// Calls `body` with a number's decimal digits.
  static func withNumberText<Result>(_ number: UInt64, _ body: (ByteView) -> Result) -> Result {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var start = 20
    var rest = number
    repeat {
      start -= 1
      digits[start] = UInt8(truncatingIfNeeded: rest % 10) + 48
      rest /= 10
    } while rest != 0
    return withUnsafeBytes(of: digits) { body(ByteView(UnsafeRawBufferPointer(rebasing: $0[start...]))) }
  }
}

/// /proc/self
final class ProcessSelfLink: GeneratedLinkNode, @unchecked Sendable {
  override func readLink(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    ProcessFile.withNumberText(UInt64(Scheduler.current.pointee.processIdentifier)) { Self.copy($0, into: buffer) }
  }
}

/// /proc/PID
final class ProcessDirectory: GeneratedDirectoryNode, @unchecked Sendable {
  init(_ fileSystem: FileSystem, process: Int32) {
    super.init(fileSystem, number: ProcessFile.number(process, 0))
    add("exe", ProcessPathLink(fileSystem, process, .executable))
    add("cwd", ProcessPathLink(fileSystem, process, .workingDirectory))
    add("root", ProcessPathLink(fileSystem, process, .root))
    add("fd", ProcessDescriptors(fileSystem, process))
    add("mounts", ProcessMounts(fileSystem, process))
    guard let found = Processes.find(process) else { return }
    let credentials = found.credentials
    owner = credentials.user.effective
    group = credentials.group.effective
  }
}

/// /proc/PID/exe, cwd and root: links that lead to the file itself, whatever its path is by now.
final class ProcessPathLink: GeneratedLinkNode, @unchecked Sendable {
  enum Kind: UInt64 {
    case executable = 1, workingDirectory, root
  }

  private let process: Int32
  private let kind: Kind

  init(_ fileSystem: FileSystem, _ process: Int32, _ kind: Kind) {
    self.process = process
    self.kind = kind
    super.init(fileSystem, number: ProcessFile.number(process, kind.rawValue))
  }

  override func linkedPath() throws(Errno) -> Path? {
    let process = try ProcessFile.process(process)
    switch kind {
    case .executable:
      let space = process.lock.withLock { process.addressSpace }
      guard let path = space?.program?.location else { throw .noEntry }
      return path
    case .workingDirectory: return process.fileSystem.workingDirectory
    case .root: return process.fileSystem.root
    }
  }

  override func readLink(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    guard let path = try linkedPath() else { throw .noEntry }
    return try PathText.copy(path, into: buffer)
  }
}

/// /proc/PID/fd: a link for each descriptor.
final class ProcessDescriptors: GeneratedDirectoryNode, @unchecked Sendable {
  private let process: Int32

  init(_ fileSystem: FileSystem, _ process: Int32) {
    self.process = process
    super.init(fileSystem, number: ProcessFile.number(process, 4), permissions: 0o500)
  }

  override func lookUp(_ name: ByteView) throws(Errno) -> FileNode {
    guard let number = name.unsignedInteger(radix: 10), number <= UInt64(Int32.max),
      let files = try ProcessFile.process(process).files
    else { throw .noEntry }
    do throws(Errno) {
      return ProcessDescriptorLink(fileSystem, process, Int32(number), try files.file(Int32(number)))
    } catch {
      throw .noEntry
    }
  }

  override func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) {
    guard let files = try ProcessFile.process(process).files else { return }
    var next = Int32(clamping: position - 2)
    while let (descriptor, _) = files.first(from: next) {
      let isAdded = ProcessFile.withNumberText(UInt64(descriptor)) { name in
        listing.add(
          name, number: ProcessFile.number(process, 0x100 + UInt64(descriptor)),
          type: FileMode.symbolicLink.directoryEntryType, position: Int64(descriptor) + 3)
      }
      if !isAdded { return }
      next = descriptor + 1
    }
  }
}

/// /proc/PID/fd/N
final class ProcessDescriptorLink: GeneratedLinkNode, @unchecked Sendable {
  private let process: Int32
  private let descriptor: Int32

  init(_ fileSystem: FileSystem, _ process: Int32, _ descriptor: Int32, _ file: OpenFile) {
    self.process = process
    self.descriptor = descriptor
    super.init(fileSystem, number: ProcessFile.number(process, 0x100 + UInt64(descriptor)))
    // What the descriptor may do.
    var permissions: UInt32 = 0o100
    if file.flags.isReadable { permissions |= 0o400 }
    if file.flags.isWritable { permissions |= 0o200 }
    mode = mode.with(permissions: permissions)
  }

  override var size: Int64 { 64 }

  private func file() throws(Errno) -> OpenFile {
    guard let files = try ProcessFile.process(process).files else { throw .noEntry }
    do throws(Errno) { return try files.file(descriptor) } catch { throw .noEntry }
  }

  override func linkedPath() throws(Errno) -> Path? {
    let file = try file()
    return file.location ?? Path(ProcessFileSystem.openFiles, DirectoryEntry(root: file.node))
  }

  override func readLink(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    let file = try file()
    if let location = file.location { return try PathText.copy(location, into: buffer) }
    switch file.node.mode.type {
    case .fifo: return Self.copy("pipe:[\(file.node.number)]", into: buffer)
    case .socket: return Self.copy("socket:[\(file.node.number)]", into: buffer)
    default: return Self.copy("anon_inode:[\(file.node.fileSystem.typeName)]", into: buffer)
    }
  }
}

/// /proc/PID/mounts, in the form of fstab(5)
final class ProcessMounts: GeneratedFileNode, @unchecked Sendable {
  private let process: Int32

  init(_ fileSystem: FileSystem, _ process: Int32) {
    self.process = process
    super.init(fileSystem, number: ProcessFile.number(process, 5))
  }

  override func generate(into text: inout GeneratedText) throws(Errno) {
    let root = try ProcessFile.process(process).fileSystem.root
    guard let memory = KernelHeap.allocate(size: PathLimits.path, alignment: 8) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    let buffer = UnsafeMutableRawBufferPointer(start: memory, count: PathLimits.path)
    for mount in Mounts.all {
      let place = try PathText.write(Path(mount, mount.root), from: root, into: buffer)
      guard place.isReachable else { continue }
      text.append(mount.source.name)
      text.append(" ")
      text.append(ByteView(base: memory + place.start, count: PathLimits.path - place.start))
      text.append(" ")
      text.append(mount.fileSystem.typeName)
      text.append(mount.flags.contains(.readOnly) ? " ro" : " rw")
      if mount.flags.contains(.noSetID) { text.append(",nosuid") }
      if mount.flags.contains(.noDevices) { text.append(",nodev") }
      if mount.flags.contains(.noExecution) { text.append(",noexec") }
      text.append(mount.flags.contains(.noAccessTime) ? ",noatime 0 0\n" : ",relatime 0 0\n")
    }
  }
}

/// /sys (sysfs(5)), of which there is only the root yet.
final class SystemFileSystem: FileSystem, @unchecked Sendable {
  nonisolated(unsafe) private static var storedRoot: DirectoryEntry?

  static var root: DirectoryEntry { storedRoot.unsafelyUnwrapped }

  /// While the machine comes up.
  static func initialize() {
    let fileSystem = SystemFileSystem(device: FileSystem.makeDevice(), typeName: "sysfs")
    storedRoot = DirectoryEntry(
      root: GeneratedDirectoryNode(fileSystem, number: fileSystem.makeNumber()))
  }

  override var statistics: FileSystemStatistics { FileSystemStatistics(magic: 0x6265_6572) }
}
