import Core
import Machine

extension SystemCalls {
  /// signalfd(2), the old call without flags.
  static func signalfd(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try makeSignalFile(arguments, flags: [])
  }

  /// signalfd(2): SFD_CLOEXEC, SFD_NONBLOCK.
  static func signalfd4(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = OpenFlags(rawValue: UInt32(truncatingIfNeeded: arguments.fourth))
    return try makeSignalFile(arguments, flags: flags)
  }

  private static func makeSignalFile(_ arguments: SystemCallArguments, flags: OpenFlags) throws(Errno) -> Int64 {
    guard arguments.third == 8 else { throw .invalid }
    guard let given = UserMemory.load(UInt64(0), from: arguments.second) else { throw .badAddress }
    guard flags.isSubset(of: [.closeOnExec, .nonBlocking]) else { throw .invalid }
    let mask = SignalSet(rawValue: given).subtracting(.unblockable)
    if Int32(truncatingIfNeeded: arguments.first) != -1 {
      guard let signals = try file(arguments.first).signals else { throw .invalid }
      signals.mask = mask
      return Int64(Int32(truncatingIfNeeded: arguments.first))
    }
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let file = SignalFile(
      node: AnonymousFiles.eventNode, flags: flags.intersection(.nonBlocking).union(.readWrite), mask: mask)
    return try addDescriptor(file, closesOnExec: flags.contains(.closeOnExec))
  }
}
