import Core
import Machine

extension SystemCalls {
  /// eventfd(2), the old call without flags.
  static func eventfd(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try makeEventCounter(arguments.first, flags: [], isSemaphore: false)
  }

  /// eventfd(2): EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE.
  static func eventfd2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let given = UInt32(truncatingIfNeeded: arguments.second)
    let flags = OpenFlags(rawValue: given & ~1)
    guard flags.isSubset(of: [.closeOnExec, .nonBlocking]) else { throw .invalid }
    return try makeEventCounter(arguments.first, flags: flags, isSemaphore: given & 1 != 0)
  }

  private static func makeEventCounter(
    _ count: UInt64, flags: OpenFlags, isSemaphore: Bool
  ) throws(Errno) -> Int64 {
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let file = EventCounter(
      node: AnonymousFiles.eventNode, flags: flags.intersection(.nonBlocking).union(.readWrite),
      count: count & 0xFFFF_FFFF, isSemaphore: isSemaphore)
    return try addDescriptor(file, closesOnExec: flags.contains(.closeOnExec))
  }
}
