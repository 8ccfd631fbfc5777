import Core
import Machine

/// Running another program.
extension SystemCalls {
  /// execve(2)
  static func execve(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let path = try UserPath(arguments.first)
    let lookup = lookup
    let place = try FileTree.find(
      path.view, from: start(AtFlags.workingDirectoryArgument, path.view, lookup), lookup)
    return try run(
      place, path: path.view, scriptPath: path.view, lookup, arguments: arguments.second,
      environment: arguments.third, arguments.frame)
  }

  /// execveat(2)
  static func execveat(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = arguments.fifth & 0xFFFF_FFFF
    let path = try UserPath(arguments.second)
    if path.view.isEmpty, flags & AtFlags.emptyPath == 0 { throw .noEntry }
    guard flags & ~(AtFlags.emptyPath | AtFlags.noFollow) == 0 else { throw .invalid }
    let lookup = lookup
    let isAbsolute = path.view.count > 0 && path.view[0] == UInt8(ascii: "/")
    let descriptor = Int32(truncatingIfNeeded: arguments.first)
    let place: Path
    if path.view.isEmpty {
      // The working directory, like any other, is no program.
      if descriptor == AtFlags.workingDirectory { throw .access }
      let file = try anyFile(arguments.first)
      place = file.location ?? AnonymousMount.place(of: file)
    } else {
      place = try FileTree.find(
        path.view, from: start(arguments.first, path.view, lookup), lookup,
        followsLast: flags & AtFlags.noFollow == 0)
    }
    if place.node.mode.isSymbolicLink { throw .tooManySymbolicLinks }
    if isAbsolute || descriptor == AtFlags.workingDirectory {
      return try run(
        place, path: path.view, scriptPath: path.view, lookup, arguments: arguments.third,
        environment: arguments.fourth, arguments.frame)
    }
    // What the file is called where only the descriptor leads to it.
    guard var name = StringVector(capacity: 32), var buffer = StringVector(capacity: 32) else {
      throw .outOfMemory
    }
    let text: Message = "/dev/fd/\(descriptor)"
    guard name.append(text) else { throw .outOfMemory }
    if !path.view.isEmpty {
      guard buffer.append(name.first, "/", path.view) else { throw .outOfMemory }
      swap(&name, &buffer)
    }
    return try run(
      place, path: name.first, scriptPath: name.first, lookup, arguments: arguments.third,
      environment: arguments.fourth, arguments.frame)
  }

  private static func run(
    _ place: Path, path: ByteView, scriptPath: ByteView, _ lookup: PathLookup, arguments: UInt64,
    environment: UInt64, _ frame: UnsafeMutablePointer<TrapFrame>
  ) throws(Errno) -> Int64 {
    let thread = Scheduler.current
    let process = thread.pointee.process!
    let identifier = thread.pointee.identifier
    let (image, actions, dumpable) = try enter(
      place, path: path, scriptPath: scriptPath, lookup, arguments: arguments, environment: environment)
    Exit.releaseVforkParent(process)
    thread.startProgram(path: path)
    startProgramSignals(process, thread, actions)
    process.files.closeOnExec()
    process.setDumpable(dumpable)
    KernelFPU.startProgram()
    let number = frame.pointee.errorCode
    frame.pointee = Programs.startFrame(of: image)
    // A debugger still sees the call.
    frame.pointee.vector = UInt64(SYSTEM_CALL_VECTOR)
    frame.pointee.errorCode = number
    thread.pointee.head.needsFullFrame = 1
    TraceStops.executed(thread, process, old: identifier)
    return 0
  }

  /// Loads a program and has the process go on in its memory and with its credentials. Nobody begins to trace the
  /// process meanwhile: whether somebody does is asked once.
  ///
  /// - Returns: the program, what it does with signals, and what becomes of PR_GET_DUMPABLE once the descriptors are
  ///   closed that it is not to have.
  private static func enter(
    _ place: Path, path: ByteView, scriptPath: ByteView, _ lookup: PathLookup, arguments: UInt64,
    environment: UInt64
  ) throws(Errno) -> (image: ProgramImage, actions: SignalActions, dumpable: UInt8) {
    let thread = Scheduler.current
    let process = thread.pointee.process!
    process.beginExecution()
    defer { process.endExecution() }
    let image = try load(
      place, path: path, scriptPath: scriptPath, lookup, arguments: arguments, environment: environment)

    // Made while there is a way back.
    guard let actions = process.signals.actions.copy(keepsHandlers: false) else { throw .outOfMemory }
    try endOtherThreads(of: process)
    // Descriptors are the program's own from here on.
    try process.unshareFiles()
    // From here on there is no way back to the old program, whose locks bear this thread's old identifier.
    Exit.releaseMemory(thread)
    let identifier = thread.pointee.identifier
    thread.pointee.identifier = process.identifier
    thread.pointee.hasLeftLocks.store(0)
    Tracing.identifierChanged(of: thread, process, from: identifier)
    process.setName(path)
    return (image, actions, enterMemory(of: image, process))
  }

  /// Has the process go on in the memory of the new program. In a function of its own, so that no reference to the old
  /// one is left: it has gone before anybody hears of the new program, by a descriptor that closes for example.
  ///
  /// - Returns: as `Process.startProgram`.
  @inline(never)
  private static func enterMemory(of image: ProgramImage, _ process: Process) -> UInt8 {
    let old = process.addressSpace
    let dumpable = process.startProgram(in: image.space, image.credentials, isReadable: image.isReadable)
    ActiveAddressSpace.adopt(image.space)
    withExtendedLifetime(old) {}
    return dumpable
  }

  /// Loads a program beside the one that runs.
  private static func load(
    _ place: Path, path: ByteView, scriptPath: ByteView, _ lookup: PathLookup, arguments: UInt64,
    environment: UInt64
  ) throws(Errno) -> ProgramImage {
    let process = Scheduler.current.pointee.process!
    let stackLimit = process.limit(.stack)
    let limit = StringVector.limit(ofStack: stackLimit)
    guard var strings = StringVector(limit: limit), var variables = StringVector(limit: limit) else {
      throw .outOfMemory
    }
    try strings.appendUserStrings(arguments)
    try variables.appendUserStrings(environment)
    // A program finds at least its name's place (execve(2), Notes).
    if strings.count == 0, !strings.append(ByteView("")) { throw .outOfMemory }
    guard strings.byteCount + variables.byteCount + (strings.count + variables.count) * 8 <= limit else {
      throw .argumentsTooLong
    }
    let noRandomization: UInt32 = 0x4_0000
    var credentials = process.credentials
    // As it is with PR_SET_NO_NEW_PRIVS, for this once.
    if Tracing.forbidsPrivileges(Scheduler.current) { credentials.hasNoNewPrivileges = true }
    let start = ProgramImage.Start(
      path: path, credentials: credentials, stackLimit: stackLimit,
      isRandomized: process.attributes.personality & noRandomization == 0)
    do throws(ProgramError) {
      return try ProgramLoader.load(
        place, start, scriptPath: scriptPath, lookup: lookup, from: fileSystem.workingDirectory,
        arguments: strings, environment: variables)
    } catch {
      throw error.errno
    }
  }

  /// Ends the other threads of the process and waits until they have left it.
  ///
  /// Fails where another thread does the same, or the process is ending: then this thread ends soon.
  private static func endOtherThreads(of process: Process) throws(Errno) {
    guard process.beginReplacement() else { throw .interrupted }
    defer { process.endReplacement() }
    TraceStops.endLast(of: process)
    process.forEachThread { thread in
      if thread != Scheduler.current {
        thread.pointee.isToEnd = true
        Signals.notify(thread)
      }
    }
    // Another signal than the end waits until the new program can take it.
    guard process.changed.waitUnlessKilled({ process.threadCount == 1 }) else { throw .interrupted }
  }
}
