import Core
import Machine

extension SystemCalls {
  /// getrandom(2): there is enough at any time, so that it never waits.
  static func getrandom(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let random: UInt64 = 2
    let insecure: UInt64 = 4
    let flags = arguments.third & 0xFFFF_FFFF
    guard flags & ~7 == 0, flags & (random | insecure) != random | insecure else { throw .invalid }
    let count = Int(min(arguments.second, transferLimit))
    var stream = RandomSource.makeStream()
    var done = 0
    while done < count {
      let block = stream.next()
      let length = min(64, count - done)
      let isStored = withUnsafeBytes(of: block) {
        UserMemory.copyOut($0.baseAddress!, to: arguments.first &+ UInt64(done), count: length)
      }
      if !isStored {
        if done > 0 { break }
        throw .badAddress
      }
      done += length
      // A long request can be interrupted at each page.
      if done & 4095 == 0, Scheduler.current.pointee.head.hasSignal != 0 { break }
    }
    return Int64(done)
  }
}
