import Core
import Machine

/// /proc/PID, or /proc/PID/task/TID.
///
/// Refers to the process, not to its number: once that has been waited for, everything in here says ESRCH or is not
/// there, even when the number has been given again.
final class ProcessDirectory: GeneratedDirectory, @unchecked Sendable {
  let process: Process
  /// The thread that it is about; nil for the process as a whole.
  let thread: Int32?
  private let isTask: Bool

  /// - Parameters:
  ///   - thread: for the directory of a thread.
  ///   - isTask: whether that is the one in `task`.
  init(_ process: Process, thread: Int32? = nil, isTask: Bool = false) {
    self.process = process
    self.thread = thread
    self.isTask = isTask
    super.init(
      fileSystem: ProcFileSystem.shared,
      number: ProcFileSystem.number(of: thread ?? process.identifier, isTask: isTask, 0), permissions: 0o555)
    ProcessNodes.setOwner(of: self, process)
  }

  override var shownProcess: Process? { thread == nil ? process : nil }

  override func lookUp(_ name: ByteView) throws(Errno) -> FileNode {
    try process.checkPresence()
    for kind in ProcessFileKind.allCases where kind.exists(inTask: isTask) && name == kind.fileName {
      return make(kind)
    }
    throw .noEntry
  }

  private func make(_ kind: ProcessFileKind) -> FileNode {
    let number = ProcFileSystem.number(
      of: thread ?? process.identifier, isTask: isTask, UInt64(kind.rawValue) + 1)
    switch kind {
    case .task: return TaskDirectory(process, number)
    case .descriptors: return DescriptorDirectory(process, number, kind)
    case .descriptorInformation: return DescriptorDirectory(process, number, kind)
    case .workingDirectory, .root, .executable: return ProcessLink(process, number, kind)
    case .memory: return ProcessMemoryNode(process, number)
    case .mappings: return MappingDirectory(process, number)
    case .pageMap: return ProcessPageMapNode(process, number)
    default: return ProcessFile(process, thread: thread, number, kind)
    }
  }

  override func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) {
    try process.checkPresence()
    for kind in ProcessFileKind.allCases where kind.exists(inTask: isTask) {
      let own = Int64(kind.rawValue) + 2
      guard own >= position else { continue }
      let number = ProcFileSystem.number(
        of: thread ?? process.identifier, isTask: isTask, UInt64(kind.rawValue) + 1)
      guard
        listing.add(
          ByteView(kind.fileName), number: number, type: kind.mode.directoryEntryType, position: own + 1)
      else { return }
    }
  }
}

/// What the nodes of a process have in common.
enum ProcessNodes {
  /// They belong to the process's effective user, or to root where it may not be looked into.
  static func setOwner(of node: FileNode, _ process: Process) {
    let (credentials, dumpable) = process.lock.withLock {
      (process.attributes.credentials, process.attributes.dumpable)
    }
    guard dumpable == 1 || node.mode.permissions == 0o555 else { return }
    node.owner = credentials.user.effective
    node.group = credentials.group.effective
  }
}

/// /proc/PID/task: the threads.
final class TaskDirectory: GeneratedDirectory, @unchecked Sendable {
  private let process: Process

  init(_ process: Process, _ number: UInt64) {
    self.process = process
    super.init(fileSystem: ProcFileSystem.shared, number: number, permissions: 0o555)
    ProcessNodes.setOwner(of: self, process)
    linkCount = 2 + UInt32(process.threadCount)
  }

  override func lookUp(_ name: ByteView) throws(Errno) -> FileNode {
    try process.checkPresence()
    guard let identifier = name.processIdentifier, threads(from: identifier)[0] == identifier else { throw .noEntry }
    return ProcessDirectory(process, thread: identifier, isTask: true)
  }

  /// The lowest identifiers of threads from a number on. A zombie has the one of its first thread.
  private func threads(from first: Int32) -> NumberBatch {
    var batch = NumberBatch()
    process.forEachThread { if $0.pointee.identifier >= first { batch.insert($0.pointee.identifier) } }
    if process.threadCount == 0, process.identifier >= first { batch.insert(process.identifier) }
    return batch
  }

  override func list(from position: Int64, into listing: inout DirectoryListing) throws(Errno) {
    try process.checkPresence()
    var next = Int32(clamping: max(position - 2, 1))
    while true {
      let batch = threads(from: next)
      for index in 0..<batch.count {
        let identifier = batch[index]
        guard
          listing.addNumber(
            identifier, number: ProcFileSystem.number(of: identifier, isTask: true, 0),
            type: FileMode.directory.directoryEntryType, position: Int64(identifier) + 3)
        else { return }
      }
      guard batch.isFull else { return }
      next = batch[batch.count - 1] + 1
    }
  }
}
