import Core
import Machine

/// A plain file in the directory of a process or a thread.
final class ProcessFile: GeneratedFile, @unchecked Sendable {
  private let process: Process
  private let thread: Int32?
  private let kind: ProcessFileKind

  init(_ process: Process, thread: Int32?, _ number: UInt64, _ kind: ProcessFileKind) {
    self.process = process
    self.thread = thread
    self.kind = kind
    super.init(fileSystem: ProcFileSystem.shared, number: number, mode: kind.mode)
    ProcessNodes.setOwner(of: self, process)
  }

  override func checkOpen(_ flags: OpenFlags) throws(Errno) {
    if kind.isProtected { try ProcessAccess.check(process) }
  }

  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile {
    guard kind.isOfMemory else { return try super.open(flags) }
    try process.checkPresence()
    let file = OpenProgramText(self, kind, try ProcessAccess.program(of: process), flags)
    if file.isMadeOnce { try file.generate() }
    return file
  }

  override func generate(_ text: inout TextBuffer) throws(Errno) {
    try process.checkPresence()
    switch kind {
    case .stat:
      let summary = try ProcessSummary(process, thread: thread, .total)
      summary.writeStat(to: &text, showsAddresses: ProcessAccess.mayInspect(process))
    case .status: try ProcessFiles.writeStatus(of: process, thread: thread, to: &text)
    case .statm: try ProcessSummary(process, thread: thread, .byKind).writeMemory(to: &text)
    case .commandLine: ProcessMemoryFiles.writeCommandLine(of: process, to: &text)
    case .name: try ProcessFiles.writeName(of: process, thread: thread, to: &text)
    case .limits: process.lock.withLock { process.attributes.limits }.write(to: &text)
    case .mounts: try MountFiles.writeMounts(of: process, to: &text)
    case .mountInformation: try MountFiles.writeMountInformation(of: process, to: &text)
    case .inputOutput: ProcessFiles.writeInputOutput(to: &text)
    case .waitChannel: text.put("0")
    case .outOfMemoryScore: ProcessFiles.writeOutOfMemoryScore(of: process, to: &text)
    case .outOfMemoryAdjustment:
      text.put(process.lock.withLock { process.attributes.outOfMemoryAdjustment })
      text.put("\n")
    case .architectureStatus: try ProcessFPUFiles.writeArchitectureStatus(of: process, thread: thread, to: &text)
    case .fpu: try ProcessFPUFiles.write(process, thread: thread, to: &text)
    case .personality:
      text.put(hexadecimal: UInt64(process.lock.withLock { process.attributes.personality }), digits: 8)
      text.put("\n")
    case .systemCall: try ProcessSystemCall.write(process, thread: thread, to: &text)
    default: throw .invalid
    }
  }

  override func store(_ value: ByteView) throws(Errno) {
    try process.checkPresence()
    switch kind {
    case .name: try ProcessFiles.setName(of: process, thread: thread, to: value)
    case .outOfMemoryAdjustment: try ProcessFiles.setOutOfMemoryAdjustment(of: process, to: value)
    default: throw .invalid
    }
  }
}

/// An open file with text about a process's memory: that of the program that ran when the file was opened. Once the
/// process executes another one or ends, there is nothing in it any more, but for the auxiliary vector.
final class OpenProgramText: OpenGeneratedFile, @unchecked Sendable {
  private let kind: ProcessFileKind
  private let program: ProgramMemory

  init(_ file: GeneratedFile, _ kind: ProcessFileKind, _ program: ProgramMemory, _ flags: OpenFlags) {
    self.kind = kind
    self.program = program
    super.init(file, flags)
  }

  /// Linux's outlives the program.
  override var isMadeOnce: Bool { kind == .auxiliaryVector }

  override func write(to text: inout TextBuffer) throws(Errno) {
    if kind == .maps || kind == .smaps { try program.process.checkPresence() }
    guard let space = program.space else { return }
    switch kind {
    case .environment: ProcessMemoryFiles.writeEnvironment(of: space, to: &text)
    case .auxiliaryVector: ProcessMemoryFiles.writeAuxiliaryVector(of: space, to: &text)
    default: try ProcessMaps.write(space, to: &text, withUsage: kind == .smaps)
    }
  }
}
