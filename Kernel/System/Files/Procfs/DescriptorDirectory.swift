import Core
import Machine

/// /proc/PID/fd and fdinfo: the open files of a process.
final class DescriptorDirectory: GeneratedDirectory, @unchecked Sendable {
  private let process: Process
  private let kind: ProcessFileKind

  init(_ process: Process, _ number: UInt64, _ kind: ProcessFileKind) {
    self.process = process
    self.kind = kind
    super.init(fileSystem: ProcFileSystem.shared, number: number, permissions: kind.mode.permissions)
    ProcessNodes.setOwner(of: self, process)
  }

  /// A process that has given its privileges up belongs to root there, and still finds its own descriptors.
  override var isOfCaller: Bool { Scheduler.current.pointee.process === process }

  private func files() throws(Errno) -> DescriptorTable {
    try process.checkPresence()
    guard ProcessAccess.mayInspect(process) else { throw .access }
    guard let files = process.sharedFiles else { throw .noEntry }
    return files
  }

  private func number(of descriptor: Int32) -> UInt64 {
    ProcFileSystem.number(
      of: process.identifier, isTask: false, kind == .descriptors ? 64 : 65, descriptor: descriptor)
  }

  override func lookUp(_ name: ByteView) throws(Errno) -> FileNode {
    guard let descriptor = name.descriptorNumber else { throw .noEntry }
    guard let file = try? files().fileOfOther(descriptor) else { throw .noEntry }
    if kind == .descriptors { return DescriptorLink(process, descriptor, file, number(of: descriptor)) }
    return DescriptorInformation(process, descriptor, number(of: descriptor))
  }

  override func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) {
    let files = try files()
    var next = Int32(clamping: max(position - 2, 0))
    let type = (kind == .descriptors ? FileMode.symbolicLink : FileMode.regular).directoryEntryType
    while let (descriptor, _) = files.first(from: next) {
      guard
        listing.addNumber(
          descriptor, number: number(of: descriptor), type: type, position: Int64(descriptor) + 3)
      else { return }
      next = descriptor + 1
    }
  }
}

/// /proc/PID/fd/N: leads to the open file's file, whatever that is called by now. Opening it opens the file anew.
final class DescriptorLink: OpenFileLink, @unchecked Sendable {
  private let descriptor: Int32

  init(_ process: Process, _ descriptor: Int32, _ file: OpenFile, _ number: UInt64) {
    self.descriptor = descriptor
    var permissions: UInt32 = 0
    // What O_PATH opened is neither read nor written.
    if file.flags.isReadable, !file.flags.contains(.path) { permissions |= 0o500 }
    if file.flags.isWritable, !file.flags.contains(.path) { permissions |= 0o300 }
    super.init(process, number, permissions: permissions)
  }

  override func find() throws(Errno) -> OpenFile {
    guard let file = try? process.sharedFiles?.fileOfOther(descriptor) else { throw .noEntry }
    return file
  }
}

/// /proc/PID/fdinfo/N
final class DescriptorInformation: GeneratedFile, @unchecked Sendable {
  private let process: Process
  private let descriptor: Int32

  init(_ process: Process, _ descriptor: Int32, _ number: UInt64) {
    self.process = process
    self.descriptor = descriptor
    super.init(fileSystem: ProcFileSystem.shared, number: number, mode: .regular.with(permissions: 0o444))
    ProcessNodes.setOwner(of: self, process)
  }

  override func checkOpen(_ flags: OpenFlags) throws(Errno) { try ProcessAccess.check(process) }

  override func generate(_ text: inout TextBuffer) throws(Errno) {
    try process.checkPresence()
    guard let files = process.sharedFiles, let file = try? files.fileOfOther(descriptor) else { throw .noEntry }
    var flags = UInt64(file.flags.rawValue)
    if (try? files.closesOnExec(descriptor)) ?? false { flags |= UInt64(OpenFlags.closeOnExec.rawValue) }
    text.put("pos:\t")
    text.put(file.offset)
    text.put("\nflags:\t0")
    text.put(octal: flags)
    text.put("\nmnt_id:\t")
    text.put(file.location?.mount.identifier ?? AnonymousMount.shared.identifier)
    text.put("\nino:\t")
    text.put(file.node.number)
    text.put("\n")
    if let process = file.processHandle?.process {
      let identifier = process.isInTable ? Int64(process.identifier) : -1
      text.put("Pid:\t")
      text.put(identifier)
      text.put("\nNSpid:\t")
      text.put(identifier)
      text.put("\n")
    }
  }
}
