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
    let node = AnonymousFiles.made(
      PipeNode(pipe: pipe, fileSystem: AnonymousFiles.pipes, number: AnonymousFiles.makeNumber(), mode: mode))
    node.stampNew()
    let reader = node.makeEnd(flags.intersection(.nonBlocking))
    let writer = node.makeEnd(flags.intersection([.nonBlocking, .direct]).union(.writeOnly))
    try addPair(reader, writer, closesOnExec: flags.contains(.closeOnExec), to: result)
    return 0
  }

  /// Gives two open files descriptors, and a program their numbers; none of it after a failure.
  ///
  /// - Parameter result: the address of an array of two.
  static func addPair(
    _ first: OpenFile, _ second: OpenFile, closesOnExec: Bool, to result: UInt64
  ) throws(Errno) {
    let files = Scheduler.current.pointee.process!.files!
    let firstDescriptor = Int32(truncatingIfNeeded: try addDescriptor(first, closesOnExec: closesOnExec))
    let secondDescriptor: Int32
    do throws(Errno) {
      secondDescriptor = Int32(truncatingIfNeeded: try addDescriptor(second, closesOnExec: closesOnExec))
    } catch {
      try files.close(firstDescriptor)
      throw error
    }
    let pair = UInt64(UInt32(firstDescriptor)) | UInt64(UInt32(secondDescriptor)) << 32
    guard UserMemory.store(pair, to: result) else {
      try files.close(firstDescriptor)
      try files.close(secondDescriptor)
      throw .badAddress
    }
  }
}
