import Core
import Machine

/// Processes as files (pidfd_open(2)).
extension SystemCalls {
  /// pidfd_open(2): PIDFD_NONBLOCK.
  static func pidfd_open(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let number = Int32(truncatingIfNeeded: arguments.first)
    let flags = OpenFlags(rawValue: UInt32(truncatingIfNeeded: arguments.second))
    guard flags.isSubset(of: .nonBlocking), number > 0 else { throw .invalid }
    guard let process = Processes.find(number) else {
      // A thread that leads no process is none.
      throw process(ofThread: number) == nil ? .noProcess : .invalid
    }
    return Int64(try makeProcessHandle(process, flags: flags))
  }

  /// A descriptor of a process, closed by execve(2) in any case.
  static func makeProcessHandle(_ process: Process, flags: OpenFlags) throws(Errno) -> Int32 {
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    return Int32(try addDescriptor(ProcessHandle(process, flags: flags.union(.readWrite)), closesOnExec: true))
  }

  /// The process behind a descriptor.
  static func processHandle(_ descriptor: UInt64) throws(Errno) -> ProcessHandle {
    guard let file = try file(descriptor).processHandle else { throw .badFile }
    return file
  }

  /// pidfd_send_signal(2)
  static func pidfd_send_signal(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.fourth & 0xFFFF_FFFF == 0 else { throw .invalid }
    // As on Linux the process's directory in /proc does as well.
    let opened = try file(arguments.first)
    guard let process = opened.processHandle?.process ?? opened.node.shownProcess else { throw .badFile }
    let information: SignalInformation?
    if arguments.third == 0 {
      information = try signal(arguments.second).map { Self.information($0) }
    } else {
      guard let given = UserMemory.load(SignalInformation.empty, from: arguments.third) else { throw .badAddress }
      guard given.number == Int32(truncatingIfNeeded: arguments.second) else { throw .invalid }
      let isOwn = process === Scheduler.current.pointee.process
      if given.code >= 0 || given.code == SignalCode.threadKill, !isOwn { throw .notPermitted }
      information = try signal(arguments.second) == nil ? nil : given
    }
    guard process.isInTable else { throw .noProcess }
    guard Signals.maySend(information?.signal, from: Scheduler.current.pointee.process!, to: process) else {
      throw .notPermitted
    }
    if let information, !Signals.send(information, to: process) { throw .tryAgain }
    return 0
  }

  /// pidfd_getfd(2): a descriptor of another process, for who may look into it.
  static func pidfd_getfd(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.third & 0xFFFF_FFFF == 0 else { throw .invalid }
    let process = try processHandle(arguments.first).process
    guard process.isInTable else { throw .noProcess }
    guard ProcessAccess.mayInspect(process) else { throw .notPermitted }
    guard let files = process.sharedFiles else { throw .noProcess }
    let file = try files.fileOfOther(Int32(truncatingIfNeeded: arguments.second))
    // It may be that of a program which the process has begun since.
    guard ProcessAccess.mayInspect(process) else { throw .notPermitted }
    return try addDescriptor(file, closesOnExec: true)
  }
}
