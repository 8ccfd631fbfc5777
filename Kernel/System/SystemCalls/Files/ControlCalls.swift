import Core
import Machine

extension SystemCalls {
  /// Requests that mean the same for every file (ioctl(2)).
  private enum ControlRequest {
    static var setNonBlocking: UInt32 { 0x5421 }  // FIONBIO
    static var setAsynchronous: UInt32 { 0x5452 }  // FIOASYNC
    static var keepOnExec: UInt32 { 0x5450 }  // FIONCLEX
    static var closeOnExec: UInt32 { 0x5451 }  // FIOCLEX
    static var getInputCount: UInt32 { 0x541B }  // FIONREAD
  }

  /// ioctl(2)
  static func ioctl(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try file(arguments.first)
    let request = UInt32(truncatingIfNeeded: arguments.second)
    if file.flags.contains(.path) { throw .badFile }
    switch request {
    case ControlRequest.setNonBlocking:
      guard let value = UserMemory.load(Int32(0), from: arguments.third) else { throw .badAddress }
      if value != 0 { file.flags.insert(.nonBlocking) } else { file.flags.remove(.nonBlocking) }
      return 0
    case ControlRequest.setAsynchronous:
      guard let value = UserMemory.load(Int32(0), from: arguments.third) else { throw .badAddress }
      guard (value != 0) != file.flags.contains(.asynchronous) else { return 0 }
      guard file.asynchronousEvents != nil else { throw .notTerminal }
      try AsynchronousNotice.set(value != 0, file, descriptor: Int32(truncatingIfNeeded: arguments.first))
      return 0
    case ControlRequest.closeOnExec, ControlRequest.keepOnExec:
      try Scheduler.current.pointee.process!.files.setClosesOnExec(
        Int32(truncatingIfNeeded: arguments.first), request == ControlRequest.closeOnExec)
      return 0
    case ControlRequest.getInputCount where file.node.mode.isRegular && file.hasPosition:
      let rest = file.node.size &- (try file.seek(0, 1))
      guard UserMemory.store(Int32(truncatingIfNeeded: rest), to: arguments.third) else { throw .badAddress }
      return 0
    default: return try file.control(request, arguments.third)
    }
  }

  /// vhangup(2): of the caller's controlling terminal.
  static func vhangup() throws(Errno) -> Int64 {
    guard FileIdentity.current.mayAdministrate else { throw .notPermitted }
    Terminals.controlling?.hangUpBySystem()
    return 0
  }
}
