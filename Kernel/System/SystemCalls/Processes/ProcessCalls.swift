import Core
import Machine

/// The life of processes.
extension SystemCalls {
  /// wait4(2) without resource usage.
  static func wait4(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let options = arguments.third
    // WNOHANG, WUNTRACED, WCONTINUED, and Linux's __WNOTHREAD, __WALL, __WCLONE.
    guard options & ~UInt64(0xE000_000B) & 0xFFFF_FFFF == 0 else { throw .invalid }
    let selection = Int32(truncatingIfNeeded: arguments.first)
    guard selection != .min else { throw .noProcess }
    let process = Scheduler.current.pointee.process!
    var result = Processes.takeEndedChild(of: process, selection: selection)
    while case .none = result {
      if options & 1 != 0 { return 0 }  // WNOHANG
      let before = process.endedChildren.load()
      result = Processes.takeEndedChild(of: process, selection: selection)
      if case .none = result {
        let outcome = process.changed.wait { process.endedChildren.load() != before }
        if outcome == .interrupted { throw .interrupted }
        result = Processes.takeEndedChild(of: process, selection: selection)
      }
    }
    switch result {
    case .found(let identifier, let status):
      if arguments.second != 0, !UserMemory.store(status, to: arguments.second) { throw .badAddress }
      if arguments.fourth != 0, !UserMemory.clear(arguments.fourth, count: 144) { throw .badAddress }
      return Int64(identifier)
    case .noChildren:
      throw .noChildren
    case .none:
      return 0
    }
  }

  /// execve(2)
  static func execve(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let image = try prepareProgram(arguments)
    let thread = Scheduler.current
    let process = thread.pointee.process!

    try endOtherThreads(of: process)
    // From here on there is no way back to the old program.
    process.setName(image.path)
    let old = process.addressSpace
    process.addressSpace = image.space
    ActiveAddressSpace.adopt(image.space)
    withExtendedLifetime(old) {}
    Exit.releaseVforkParent(process)
    thread.startProgram(path: image.path)
    process.startProgram()
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
    if process.changed.wait({ process.threadCount == 1 }) == .interrupted { throw .interrupted }
  }
}
