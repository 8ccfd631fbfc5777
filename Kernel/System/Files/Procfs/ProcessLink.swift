import Core
import Machine

/// cwd, root and exe: links that lead to a file whatever it is called by now.
final class ProcessLink: FileNode, @unchecked Sendable {
  private let process: Process
  private let kind: ProcessFileKind

  init(_ process: Process, _ number: UInt64, _ kind: ProcessFileKind) {
    self.process = process
    self.kind = kind
    super.init(fileSystem: ProcFileSystem.shared, number: number, mode: kind.mode)
    stampNew()
    ProcessNodes.setOwner(of: self, process)
  }

  override func checkAttributesAreChangeable() throws(Errno) { throw .notPermitted }

  override func linkedPath() throws(Errno) -> Path? {
    try process.checkPresence()
    try ProcessAccess.check(process)
    let path: Path? =
      switch kind {
      case .workingDirectory: process.sharedAddressSpace == nil ? nil : process.sharedFileSystem.workingDirectory
      case .root: process.sharedAddressSpace == nil ? nil : process.sharedFileSystem.root
      default: process.programFile?.location
      }
    guard let path else { throw .noEntry }
    return path
  }

  override func readLink(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    guard let path = try linkedPath() else { throw .noEntry }
    return try LinkText.write(into: buffer) { work, text in
      ProcessPaths.put(path, from: Scheduler.current.pointee.process!.fileSystem.root, work, &text)
    }
  }
}

/// The text of a link that leads to a file.
enum LinkText {
  static func write(
    into buffer: UnsafeMutableRawBufferPointer,
    _ body: (UnsafeMutableRawBufferPointer, inout TextBuffer) -> Void
  ) throws(Errno) -> Int {
    guard let memory = KernelHeap.allocate(size: PathLimits.path, alignment: 8) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    var text = TextBuffer(buffer)
    body(UnsafeMutableRawBufferPointer(start: memory, count: PathLimits.path), &text)
    return text.count
  }
}

extension Process {
  /// The file that the program was loaded from.
  var programFile: OpenFile? { sharedAddressSpace?.program }
}
