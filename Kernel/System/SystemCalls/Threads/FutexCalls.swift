import Core
import Machine

extension SystemCalls {
  /// futex(2): FUTEX_WAIT, FUTEX_WAKE and their bit-set forms.
  static func futex(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let operation = arguments.second & 0x7F  // without FUTEX_PRIVATE_FLAG, and CLOCK_REALTIME apart
    let address = arguments.first
    let usesWallClock = arguments.second & 0x100 != 0
    guard arguments.second & ~UInt64(0x1FF) == 0 else { throw .notImplemented }
    switch operation {
    case 0, 9:  // FUTEX_WAIT, FUTEX_WAIT_BITSET
      guard operation == 9 || !usesWallClock else { throw .notImplemented }
      if operation == 9, UInt32(truncatingIfNeeded: arguments.sixth) == 0 { throw .invalid }
      var deadline: UInt64? = nil
      if arguments.fourth != 0 {
        let length = Time.ticks(nanoseconds: try timeSpecification(at: arguments.fourth))
        // FUTEX_WAIT's time is relative, the other's absolute.
        deadline = operation == 0 ? readTimeStampCounter() &+ length : Time.start &+ length
      }
      guard address & 3 == 0 else { throw .invalid }
      let bits = operation == 9 ? UInt32(truncatingIfNeeded: arguments.sixth) : .max
      try Futexes.wait(
        address, expected: UInt32(truncatingIfNeeded: arguments.third), until: deadline, bits: bits)
      return 0
    case 1, 10:  // FUTEX_WAKE, FUTEX_WAKE_BITSET
      guard !usesWallClock else { throw .notImplemented }
      guard address & 3 == 0 else { throw .invalid }
      let bits = operation == 10 ? UInt32(truncatingIfNeeded: arguments.sixth) : .max
      guard bits != 0 else { throw .invalid }
      guard UserMemory.contains(address, count: 4) else { throw .badAddress }
      let limit = Int(Int32(truncatingIfNeeded: arguments.third))
      return Int64(Futexes.wake(address, limit: max(limit, 1), bits: bits))
    default:
      throw .notImplemented
    }
  }
}
