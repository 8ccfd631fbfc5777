import Core
import Machine

/// The life of processes.
extension SystemCalls {
  /// Linux's flags for clone.
  private struct CloneFlags: OptionSet {
    let rawValue: UInt64

    static var memory: CloneFlags { CloneFlags(rawValue: 0x100) }
    static var fileSystem: CloneFlags { CloneFlags(rawValue: 0x200) }
    static var files: CloneFlags { CloneFlags(rawValue: 0x400) }
    static var signalHandlers: CloneFlags { CloneFlags(rawValue: 0x800) }
    static var vfork: CloneFlags { CloneFlags(rawValue: 0x4000) }
    static var thread: CloneFlags { CloneFlags(rawValue: 0x1_0000) }
    static var newNamespace: CloneFlags { CloneFlags(rawValue: 0x2_0000) }
    static var setThreadStorage: CloneFlags { CloneFlags(rawValue: 0x8_0000) }
    static var setParentThreadID: CloneFlags { CloneFlags(rawValue: 0x10_0000) }
    static var clearChildThreadID: CloneFlags { CloneFlags(rawValue: 0x20_0000) }
    static var setChildThreadID: CloneFlags { CloneFlags(rawValue: 0x100_0000) }
  }

  /// fork(2)
  static func fork(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try clone(arguments.frame, [], stack: 0, parentThreadID: 0, childThreadID: 0, storage: 0)
  }

  /// vfork(2)
  static func vfork(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try clone(
      arguments.frame, [.vfork, .memory], stack: 0, parentThreadID: 0, childThreadID: 0, storage: 0)
  }

  /// clone(2), the raw call's order of arguments.
  static func clone(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = CloneFlags(rawValue: arguments.first & ~0xFF)
    if flags.contains(.thread), !flags.contains(.signalHandlers) { throw .invalid }
    if flags.contains(.signalHandlers), !flags.contains(.memory) { throw .invalid }
    if flags.isSuperset(of: [.newNamespace, .fileSystem]) { throw .invalid }
    return try clone(
      arguments.frame, flags, stack: arguments.second, parentThreadID: arguments.third,
      childThreadID: arguments.fourth, storage: arguments.fifth)
  }

  private static func clone(
    _ frame: UnsafeMutablePointer<TrapFrame>, _ flags: CloneFlags, stack: UInt64, parentThreadID: UInt64,
    childThreadID: UInt64, storage: UInt64
  ) throws(Errno) -> Int64 {
    let parent = Scheduler.current
    let parentProcess = parent.pointee.process!
    if flags.contains(.setThreadStorage), storage >= UserMemory.limit { throw .notPermitted }

    let identifier = Threads.makeIdentifier()
    let process: Process
    if flags.contains(.thread) {
      process = parentProcess
    } else {
      let space = parentProcess.addressSpace!
      guard let childSpace = flags.contains(.memory) ? space : space.duplicate() else { throw .outOfMemory }
      process = Process(
        identifier: identifier, addressSpace: childSpace,
        files: flags.contains(.files) ? parentProcess.files : parentProcess.files.copy(),
        fileSystem: flags.contains(.fileSystem) ? parentProcess.fileSystem : parentProcess.fileSystem.copy())
      process.copyName(from: parentProcess)
      process.isVforkDone = !flags.contains(.vfork)
    }
    guard
      let child = Threads.create(
        process: process, nice: Int(parent.pointee.scheduling.nice), identifier: identifier)
    else { throw .outOfMemory }

    child.pointee.affinity = parent.pointee.affinity
    child.pointee.pageTableRoot = process.addressSpace!.root
    child.pointee.fsBase = flags.contains(.setThreadStorage) ? storage : parent.pointee.fsBase
    if flags.contains(.clearChildThreadID) { child.pointee.clearChildThreadID = childThreadID }
    child.userFrame.initialize(to: frame.pointee)
    child.userFrame.pointee.rax = 0
    if stack != 0 { child.userFrame.pointee.rsp = stack }
    Threads.prepareStack(of: child, at: UInt64(UInt(bitPattern: child.userFrame)), function: 0, argument: 0)
    KernelFPU.fork(to: child)

    if flags.contains(.setParentThreadID), !UserMemory.store(identifier, to: parentThreadID) {
      Threads.discard(child)
      throw .badAddress
    }
    if flags.contains(.setChildThreadID) {
      // As on Linux a bad address here is not an error.
      var value = identifier
      _ = withUnsafeBytes(of: &value) { process.addressSpace!.write($0, at: childThreadID) }
    }
    // Fails only for a thread of a process that is on its way out.
    guard process.add(child) else {
      Threads.discard(child)
      throw .tryAgain
    }
    if !flags.contains(.thread) { Processes.add(process, parent: parentProcess) }
    Threads.start(child)
    if flags.contains(.vfork) {
      _ = process.changed.wait(isInterruptible: false) { process.isVforkDone }
    }
    return Int64(identifier)
  }

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
    thread.pointee.clearChildThreadID = 0
    let old = process.addressSpace
    process.addressSpace = image.space
    ActiveAddressSpace.adopt(image.space)
    withExtendedLifetime(old) {}
    Exit.releaseVforkParent(process)
    Interrupts.withDisabled {
      thread.pointee.fsBase = 0
      CPURecord.current.pointee.activeFSBase = 0
      writeMSR(MSR.fsBase, 0)
    }
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
