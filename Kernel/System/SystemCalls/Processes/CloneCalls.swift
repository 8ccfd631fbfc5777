import Core
import Machine

/// New processes and threads.
extension SystemCalls {
  /// fork(2)
  static func fork(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var request = CloneArguments()
    request.exitSignal = childSignal
    return try clone(arguments.frame, request)
  }

  /// vfork(2)
  static func vfork(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var request = CloneArguments()
    request.flags = CloneFlags([.vfork, .memory]).rawValue
    request.exitSignal = childSignal
    return try clone(arguments.frame, request)
  }

  /// clone(2), the raw call's order of arguments.
  static func clone(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var request = CloneArguments()
    request.flags = arguments.first & 0xFFFF_FF00
    request.exitSignal = arguments.first & 0xFF
    request.stack = arguments.second
    request.parentThreadID = arguments.third
    request.childThreadID = arguments.fourth
    request.threadStorage = arguments.fifth
    request.processDescriptor = arguments.third
    let flags = CloneFlags(rawValue: request.flags)
    guard flags.isConsistent, !flags.isSuperset(of: [.processDescriptor, .setParentThreadID]) else { throw .invalid }
    return try clone(arguments.frame, request)
  }

  /// clone3(2)
  static func clone3(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let size = arguments.second
    guard size >= CloneArguments.smallestSize else { throw .invalid }
    guard size <= 4096 else { throw .argumentsTooLong }
    var request = CloneArguments()
    let known = MemoryLayout<CloneArguments>.size
    let count = min(Int(size), known)
    let isRead = withUnsafeMutableBytes(of: &request) {
      UserMemory.copyIn($0.baseAddress!, from: arguments.first, count: count)
    }
    guard isRead else { throw .badAddress }
    // What a later version of the structure adds has to be 0.
    for offset in stride(from: known, to: Int(size), by: 1) {
      guard let byte = UserMemory.load(UInt8(0), from: arguments.first &+ UInt64(offset)) else {
        throw .badAddress
      }
      if byte != 0 { throw .argumentsTooLong }
    }
    guard request.isValid(addressLimit: UserMemory.limit) else { throw .invalid }
    request.stack &+= request.stackSize
    return try clone(arguments.frame, request)
  }

  /// RLIMIT_NPROC, which counts the threads of a user and does not bind root.
  private static func checkProcessLimit(_ process: Process) throws(Errno) {
    let credentials = process.credentials
    if credentials.user.real == 0 { return }
    if !credentials.effective.isDisjoint(with: [.exceedLimits, .administration]) { return }
    let limit = process.limit(.processes)
    if limit == ResourceLimit.infinite { return }
    var count: UInt64 = 0
    // A process that has ended counts until it has been waited for; a thread that has ended does not.
    Processes.forEach {
      if $0.attributes.credentials.user.real == credentials.user.real { count += UInt64(max($0.threadCount, 1)) }
    }
    if count >= limit { throw .tryAgain }
  }

  /// SIGCHLD
  private static var childSignal: UInt64 { 17 }

  /// - Parameter request: checked; its stack is the address with which the child begins, or 0.
  private static func clone(
    _ frame: UnsafeMutablePointer<TrapFrame>, _ request: CloneArguments
  ) throws(Errno) -> Int64 {
    let flags = CloneFlags(rawValue: request.flags)
    let parent = Scheduler.current
    let parentProcess = parent.pointee.process!
    if flags.contains(.setThreadStorage), request.threadStorage >= UserMemory.limit { throw .notPermitted }
    // Signals first, as on Linux: what is to end makes nothing any more.
    if parent.pointee.head.hasSignal != 0 { throw .restartAlways }
    guard Threads.hasRoom else { throw .tryAgain }
    try checkProcessLimit(parentProcess)

    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let undos = flags.contains(.semaphores) ? try SemaphoreUndoList.ofCurrent() : nil
    let identifier = Threads.makeIdentifier()
    let process: Process
    if flags.contains(.thread) {
      process = parentProcess
      _ = process.files.share()
    } else {
      let space = parentProcess.addressSpace!
      guard let childSpace = flags.contains(.memory) ? space : space.duplicate() else { throw .outOfMemory }
      process = Process(
        identifier: identifier, addressSpace: childSpace,
        files: flags.contains(.files) ? parentProcess.files.share() : try parentProcess.files.copy(),
        fileSystem: flags.contains(.fileSystem) ? parentProcess.fileSystem : parentProcess.fileSystem.copy(),
        signalActions: try signalActions(
          of: parentProcess, isShared: flags.contains(.signalHandlers),
          keepsHandlers: !flags.contains(.clearSignalHandlers)))
      process.creator = parent.pointee.identifier
      process.copyName(from: parentProcess)
      process.sessionWithoutTerminal = parentProcess.sessionWithoutTerminal
      process.attributes = parentProcess.lock.withLock { parentProcess.attributes.inherited }
      process.exitSignal = flags.contains(.parent) ? parentProcess.exitSignal : UInt8(request.exitSignal)
      process.isVforkDone = !flags.contains(.vfork)
      let limit = process.attributes.limits[.cpuTime]
      if limit.soft != ResourceLimit.infinite || limit.hard != ResourceLimit.infinite { process.applyCPULimit() }
    }
    guard
      let child = Threads.create(
        process: process, identifier: identifier)
    else { throw .outOfMemory }

    child.inherit(from: parent)
    inheritSignals(
      child, from: parent, isVfork: flags.contains(.vfork), isInNewMemory: !flags.contains(.memory))
    child.setAddressSpace(process.addressSpace!)
    if flags.contains(.setThreadStorage) {
      child.pointee.segmentSelectors &= ~Segments.fsSelector
      child.pointee.fsBase = request.threadStorage
    }
    if flags.contains(.clearChildThreadID) { child.pointee.clearChildThreadID = request.childThreadID }
    if !flags.contains(.memory) { child.pointee.restartableSequence = parent.pointee.restartableSequence }
    child.userFrame.initialize(to: frame.pointee)
    child.userFrame.pointee.rax = 0
    if request.stack != 0 { child.userFrame.pointee.rsp = request.stack }
    Threads.prepareStack(of: child, at: UInt64(UInt(bitPattern: child.userFrame)), function: 0, argument: 0)
    KernelFPU.fork(to: child)

    var descriptor: Int32?
    if flags.contains(.processDescriptor) {
      do throws(Errno) {
        let new = try makeProcessHandle(process, flags: [])
        descriptor = new
        guard UserMemory.store(new, to: request.processDescriptor) else { throw .badAddress }
      } catch {
        if let descriptor { try parentProcess.files.close(descriptor) }
        Threads.discard(child)
        throw error
      }
    }
    // As on Linux a bad address is no error in either.
    if flags.contains(.setParentThreadID) { _ = UserMemory.store(identifier, to: request.parentThreadID) }
    if flags.contains(.setChildThreadID) {
      var value = identifier
      _ = withUnsafeBytes(of: &value) { process.addressSpace!.write($0, at: request.childThreadID) }
    }
    // Fails only for a thread of a process that is on its way out.
    guard process.add(child) else {
      if let descriptor { try parentProcess.files.close(descriptor) }
      Threads.discard(child)
      throw .tryAgain
    }
    if !flags.contains(.thread),
      !Processes.add(process, madeBy: parent, isSibling: flags.contains(.parent))
    {
      _ = process.remove(child)
      if let descriptor { try parentProcess.files.close(descriptor) }
      Threads.discard(child)
      throw .restartAlways
    }
    undos?.share(with: child)
    let event = TraceEvent.ofClone(isVfork: flags.contains(.vfork), exitSignal: request.exitSignal)
    let isEvent =
      parent.pointee.head.isTraced != 0 && !flags.contains(.untraced)
      && TraceStops.hasAskedFor(event, parent, parentProcess)
    if parent.pointee.head.isTraced != 0, isEvent || flags.contains(.traced) {
      Tracing.attachChild(child, of: process, from: parent)
    }
    Threads.start(child)
    if isEvent { TraceStops.event(event, message: UInt64(identifier)) }
    if flags.contains(.vfork) {
      if process.changed.waitUnlessKilled({ process.isVforkDone }) {
        TraceStops.event(.vforkDone, message: UInt64(identifier))
      }
    }
    return Int64(identifier)
  }
}
