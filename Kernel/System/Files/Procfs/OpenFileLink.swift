import Core
import Machine

/// A link in /proc/PID that leads to the file of an open file of the process, whatever it is called by now: a subclass
/// for each place where a process has open files.
class OpenFileLink: FileNode, @unchecked Sendable {
  final let process: Process

  init(_ process: Process, _ number: UInt64, permissions: UInt32) {
    self.process = process
    super.init(
      fileSystem: ProcFileSystem.shared, number: number, mode: .symbolicLink.with(permissions: permissions))
    stampNew()
    ProcessNodes.setOwner(of: self, process)
  }

  /// The open file. The process is there, and the caller may inspect it.
  ///
  /// - Throws: ENOENT where there is none any more.
  func find() throws(Errno) -> OpenFile { throw .noEntry }

  override var size: Int64 { 64 }
  override func checkAttributesAreChangeable() throws(Errno) { throw .notPermitted }

  private func file() throws(Errno) -> OpenFile {
    try process.checkPresence()
    try ProcessAccess.check(process)
    let file = try find()
    // It may be that of a program which the process has begun since.
    try ProcessAccess.check(process)
    return file
  }

  override func linkedPath() throws(Errno) -> Path? {
    let file = try file()
    return file.location ?? AnonymousMount.place(of: file)
  }

  override func readLink(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    let file = try file()
    return try LinkText.write(into: buffer) { work, text in
      ProcessPaths.put(file, from: Scheduler.current.pointee.process!.fileSystem.root, work, &text)
    }
  }
}
