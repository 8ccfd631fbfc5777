import Core
import Machine

/// The life of processes.
extension SystemCalls {
  /// execve(2)
  static func execve(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let image = try prepareProgram(arguments)
    let thread = Scheduler.current
    let process = thread.pointee.process!

    // Made while there is a way back.
    guard let actions = process.signals.actions.copy(keepsHandlers: false) else { throw .outOfMemory }
    try endOtherThreads(of: process)
    // From here on there is no way back to the old program.
    process.setName(image.path)
    let old = process.addressSpace
    process.replaceAddressSpace(image.space)
    ActiveAddressSpace.adopt(image.space)
    withExtendedLifetime(old) {}
    Exit.releaseVforkParent(process)
    thread.startProgram(path: image.path)
    process.startProgram()
    startProgramSignals(process, thread, actions)
    process.files.closeOnExec()
    KernelFPU.startProgram()
    arguments.frame.pointee = Programs.startFrame(of: image)
    thread.pointee.head.needsFullFrame = 1
    return 0
  }

  /// Reads the path and the strings of execve, and loads the program beside the one that runs.
  private static func prepareProgram(_ arguments: SystemCallArguments) throws(Errno) -> ProgramImage {
    guard var path = StringVector(capacity: 4096), var vector = StringVector(),
      var environment = StringVector()
    else { throw .outOfMemory }
    do throws(Errno) {
      try path.appendUserString(arguments.first)
    } catch {
      throw error == .argumentsTooLong ? .nameTooLong : error
    }
    try vector.appendUserStrings(arguments.second)
    try environment.appendUserStrings(arguments.third)
    let name = ByteView(UnsafeRawBufferPointer(rebasing: path.bytes[0..<path.byteCount - 1]))
    guard let file = RootFiles.find(name) else { throw .noEntry }
    do throws(ProgramError) {
      return try ProgramImage.load(file, path: name, arguments: vector, environment: environment)
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
    process.forEachThread { thread in
      if thread != Scheduler.current {
        thread.pointee.isToEnd = true
        Signals.notify(thread)
      }
    }
    while process.changed.wait({ process.threadCount == 1 }) == .interrupted {
      // Another signal than the end waits until the new program can take it.
      if process.isExiting.load() != 0 || Scheduler.current.pointee.isToEnd { throw .interrupted }
      Scheduler.yield()
    }
  }
}
