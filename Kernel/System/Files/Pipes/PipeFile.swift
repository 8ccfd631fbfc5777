import Core
import Machine

/// An end of a pipe, or an open FIFO: its flags say which ways bytes go.
final class PipeFile: OpenFile, @unchecked Sendable {
  let pipe: Pipe
  /// The writers ever opened when a FIFO was opened for reading without waiting for one.
  fileprivate(set) var quietGeneration: UInt32?

  /// An end that `Pipe.open` has counted.
  fileprivate init(node: FileNode, pipe: Pipe, flags: OpenFlags) {
    self.pipe = pipe
    super.init(node: node, flags: flags)
  }

  deinit { pipe.close(isReader: flags.isReadable, isWriter: flags.isWritable) }

  override var pipeEnd: PipeFile? { self }
  override var watchers: WatcherList? { pipe.watchers }
  override var asynchronousEvents: PollEvents? {
    var events: PollEvents = []
    if flags.isReadable { events.formUnion([.input, .inputNormal]) }
    if flags.isWritable { events.formUnion([.output, .outputNormal]) }
    return events
  }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    try pipe.read(&buffer, isNonBlocking: isNonBlocking)
  }

  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    try write(&buffer, isNonBlocking: isNonBlocking, isPacket: flags.contains(.direct))
  }

  /// What is spliced in is never a packet.
  func splice(_ buffer: inout TransferBuffer, isNonBlocking: Bool) throws(Errno) -> Int {
    try write(&buffer, isNonBlocking: isNonBlocking, isPacket: false)
  }

  private func write(_ buffer: inout TransferBuffer, isNonBlocking: Bool, isPacket: Bool) throws(Errno) -> Int {
    var isBroken = false
    // The signal comes with the partial result of a long write too.
    defer { if isBroken { Signals.sendForCall(.brokenPipe) } }
    return try pipe.write(&buffer, isNonBlocking: isNonBlocking, isPacket: isPacket, isBroken: &isBroken)
  }

  /// Of an end that writes: fails as a write does where nobody can read.
  func checkReaders() throws(Errno) {
    guard poll().contains(.error) else { return }
    Signals.sendForCall(.brokenPipe)
    throw .brokenPipe
  }

  override func control(_ request: UInt32, _ argument: UInt64) throws(Errno) -> Int64 {
    guard request == 0x541B else { throw .notTerminal }  // FIONREAD
    guard UserMemory.store(Int32(pipe.byteCount), to: argument) else { throw .badAddress }
    return 0
  }

  override func manipulate(_ command: UInt32, _ argument: UInt64) throws(Errno) -> Int64 {
    switch command {
    case 1031: Int64(try pipe.resize(UInt32(truncatingIfNeeded: argument)))  // F_SETPIPE_SZ
    case 1032: Int64(pipe.lock.withLock { pipe.ring.capacity })  // F_GETPIPE_SZ
    default: try super.manipulate(command, argument)
    }
  }

  override func poll() -> PollEvents {
    pipe.poll(
      isReader: flags.isReadable, isWriter: flags.isWritable, quietGeneration: quietGeneration)
  }
}

/// A pipe as a file: what both ends of pipe(2) show to fstat(2), or a FIFO in a directory. Opening it, by a FIFO's
/// name or through /proc/self/fd, gives another end.
final class PipeNode: FileNode, @unchecked Sendable {
  private let pipe: Pipe

  init(pipe: Pipe, fileSystem: FileSystem, number: UInt64, mode: FileMode) {
    self.pipe = pipe
    super.init(fileSystem: fileSystem, number: number, mode: mode)
  }

  /// An end that is there from the start.
  func makeEnd(_ flags: OpenFlags) -> PipeFile {
    pipe.open(isReader: flags.isReadable, isWriter: flags.isWritable)
    return PipeFile(node: self, pipe: pipe, flags: flags)
  }

  /// open(2) of a FIFO waits for the other end (fifo(7)), unless it can read and write.
  /// One of pipe(2), reached through /proc/self/fd, waits for nobody.
  override func open(_ flags: OpenFlags) throws(Errno) -> OpenFile {
    if fileSystem === AnonymousFiles.pipes { return makeEnd(flags) }
    let isReader = flags.isReadable
    let isWriter = flags.isWritable
    let isNonBlocking = flags.contains(.nonBlocking)
    if isWriter, !isReader, isNonBlocking, !pipe.hasReader { throw .noSuchDeviceOrAddress }
    let before = pipe.open(isReader: isReader, isWriter: isWriter)
    let file = PipeFile(node: self, pipe: pipe, flags: flags)
    if isReader, isWriter { return file }
    if isReader {
      if !isNonBlocking {
        try pipe.waitForWriter(since: before)
      } else if !before.hasWriter {
        file.quietGeneration = before.writersOpened
      }
    } else if !isNonBlocking {
      try pipe.waitForReader(since: before)
    }
    return file
  }
}
