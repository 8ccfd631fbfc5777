import Core
import Machine

extension SystemCalls {
  /// pipe(2)
  static func pipe(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try makePipe(arguments.first, flags: [])
  }

  /// pipe2(2): O_CLOEXEC, O_NONBLOCK, O_DIRECT.
  static func pipe2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = OpenFlags(rawValue: UInt32(truncatingIfNeeded: arguments.second))
    let known: OpenFlags = [.closeOnExec, .nonBlocking, .direct]
    guard known.isSuperset(of: flags) else { throw .invalid }
    return try makePipe(arguments.first, flags: flags)
  }

  private static func makePipe(_ result: UInt64, flags: OpenFlags) throws(Errno) -> Int64 {
    let mode = FileMode.fifo.with(permissions: 0o600)
    guard let pipe = Pipe() else { throw .tooManyFilesInSystem }
    let node = PipeNode(
      pipe: pipe, fileSystem: AnonymousFiles.pipes, number: AnonymousFiles.makeNumber(), mode: mode)
    let files = Scheduler.current.pointee.process!.files!
    let closesOnExec = flags.contains(.closeOnExec)
    let reader = node.makeEnd(flags.intersection(.nonBlocking))
    let writer = node.makeEnd(flags.intersection([.nonBlocking, .direct]).union(.writeOnly))
    let readDescriptor = try addDescriptor(reader, closesOnExec: closesOnExec)
    let writeDescriptor: Int32
    do throws(Errno) {
      writeDescriptor = try addDescriptor(writer, closesOnExec: closesOnExec)
    } catch {
      try files.close(readDescriptor)
      throw error
    }
    let pair = UInt64(UInt32(readDescriptor)) | UInt64(UInt32(writeDescriptor)) << 32
    guard UserMemory.store(pair, to: result) else {
      try files.close(readDescriptor)
      try files.close(writeDescriptor)
      throw .badAddress
    }
    return 0
  }
}
