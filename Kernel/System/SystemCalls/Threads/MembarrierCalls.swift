import Core
import Machine

extension SystemCalls {
  /// Commands of membarrier(2).
  private enum Barrier {
    static var global: UInt32 { 1 }
    static var globalExpedited: UInt32 { 2 }
    static var registerGlobalExpedited: UInt32 { 4 }
    static var privateExpedited: UInt32 { 8 }
    static var registerPrivateExpedited: UInt32 { 16 }
    static var privateExpeditedSyncCore: UInt32 { 32 }
    static var registerPrivateExpeditedSyncCore: UInt32 { 64 }
    static var privateExpeditedSequence: UInt32 { 128 }
    static var registerPrivateExpeditedSequence: UInt32 { 256 }
    static var getRegistrations: UInt32 { 512 }
    static var all: UInt32 { 0x3FF }
  }

  /// membarrier(2)
  static func membarrier(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let command = UInt32(truncatingIfNeeded: arguments.first)
    let flags = arguments.second & 0xFFFF_FFFF
    // MEMBARRIER_CMD_FLAG_CPU names one CPU; a barrier on all of them is one on that one too.
    guard flags == 0 || flags == 1 && command == Barrier.privateExpeditedSequence else { throw .invalid }
    let thread = Scheduler.current
    let process = thread.pointee.process!
    switch command {
    case 0:
      return Int64(Barrier.all)
    case Barrier.global, Barrier.globalExpedited:
      MemoryBarrier.execute(root: nil)
    case Barrier.privateExpedited, Barrier.privateExpeditedSyncCore, Barrier.privateExpeditedSequence:
      // Only for who has registered: the command before.
      let isRegistered = process.lock.withLock { process.attributes.membarriers & command << 1 != 0 }
      guard isRegistered else { throw .notPermitted }
      MemoryBarrier.execute(root: thread.pointee.pageTableRoot)
    case Barrier.registerGlobalExpedited, Barrier.registerPrivateExpedited,
      Barrier.registerPrivateExpeditedSyncCore, Barrier.registerPrivateExpeditedSequence:
      process.lock.withLock { process.attributes.membarriers |= command }
    case Barrier.getRegistrations:
      return Int64(process.lock.withLock { process.attributes.membarriers })
    default:
      throw .invalid
    }
    return 0
  }
}
