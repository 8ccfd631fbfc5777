import Core
import Machine

extension SystemCalls {
  /// rseq(2)
  static func rseq(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let thread = Scheduler.current
    let present = thread.pointee.restartableSequence
    let address = arguments.first
    let size = arguments.second & 0xFFFF_FFFF
    let flags = arguments.third & 0xFFFF_FFFF
    let signature = UInt32(truncatingIfNeeded: arguments.fourth)
    if flags & 1 != 0 {  // RSEQ_FLAG_UNREGISTER
      guard flags == 1, present.address != 0, present.address == address, size == RestartableSequence.size
      else {
        throw .invalid
      }
      guard present.signature == signature else { throw .notPermitted }
      guard present.clear() else { throw .badAddress }
      thread.pointee.restartableSequence = RestartableSequence()
      return 0
    }
    guard flags == 0 else { throw .invalid }
    if present.address != 0 {
      guard present.address == address, size == RestartableSequence.size else { throw .invalid }
      guard present.signature == signature else { throw .notPermitted }
      throw .busy
    }
    guard address & (RestartableSequence.size - 1) == 0, size == RestartableSequence.size else {
      throw .invalid
    }
    guard UserMemory.contains(address, count: Int(size)) else { throw .badAddress }
    thread.pointee.restartableSequence = RestartableSequence(address: address, signature: signature)
    thread.pointee.head.needsSequenceCheck = 1
    return 0
  }
}
