import Core
import Machine

extension SystemCalls {
  /// syslog(2): the kernel's messages.
  static func syslog(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let length = Int(Int32(truncatingIfNeeded: arguments.third))
    let action = Int32(truncatingIfNeeded: arguments.first)
    guard (0...10).contains(action) else { throw .invalid }
    let isOpenToAll = action == 3 || action == 10
    guard isOpenToAll || Scheduler.current.pointee.process!.hasCapability(.readLog) else {
      throw .notPermitted
    }
    let positions = KernelLog.positions
    switch action {
    case 2, 3, 4:
      guard arguments.second != 0, length >= 0 else { throw .invalid }
      guard UserMemory.contains(arguments.second, count: length) else { throw .badAddress }
      if action == 2 {
        let count = try copyLog(from: positions.unread, to: arguments.second, limit: length)
        KernelLog.setConsumed(positions.unread + count)
        return Int64(count)
      }
      // The last of it, where not all fits.
      let first = max(positions.first, positions.end - length)
      let count = try copyLog(from: first, to: arguments.second, limit: length)
      if action == 4 { KernelLog.clear() }
      return Int64(count)
    case 5:
      KernelLog.clear()
      return 0
    case 8:
      guard (1...8).contains(length) else { throw .invalid }
      return 0
    case 9: return Int64(positions.end - positions.unread)
    case 10: return Int64(KernelLog.capacity)
    default: return 0
    }
  }

  private static func copyLog(from first: Int, to address: UInt64, limit: Int) throws(Errno) -> Int {
    var position = first
    var done = 0
    var piece = InlineArray<256, UInt8>(repeating: 0)
    while done < limit {
      let room = min(256, limit - done)
      let (count, next) = withUnsafeMutableBytes(of: &piece) {
        KernelLog.read(from: position, into: UnsafeMutableRawBufferPointer(rebasing: $0[0..<room]))
      }
      if count == 0 { break }
      let isStored = withUnsafeBytes(of: piece) {
        UserMemory.copyOut($0.baseAddress!, to: address + UInt64(done), count: count)
      }
      guard isStored else { throw .badAddress }
      done += count
      position = next
    }
    return done
  }

  // MARK: Unknown calls

  /// Which calls have been named in the log, a bit each; one bit for all numbers that Linux does not have
  /// either.
  nonisolated(unsafe) private static var namedCalls:
    (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)

  /// The same for numbers of i386.
  nonisolated(unsafe) private static var namedI386Calls:
    (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)

  /// A call that this kernel does not have: names it once in the log.
  @inline(never)
  static func unknown(_ number: UInt64) -> Errno {
    if isFirst(number, &namedCalls), let process = Scheduler.current.pointee.process {
      KernelLog.add("\(process.label): there is no system call \(number)", level: 7)
    }
    return .notImplemented
  }

  /// An i386 call that this kernel does not have, as above.
  @inline(never)
  static func unknownI386(_ number: UInt32) -> Errno {
    if isFirst(UInt64(number), &namedI386Calls), let process = Scheduler.current.pointee.process {
      KernelLog.add("\(process.label): there is no i386 system call \(number)", level: 7)
    }
    return .notImplemented
  }

  /// Whether nobody has asked for a call before. Two CPUs at once may both be told so, or one bit may be lost.
  private static func isFirst(
    _ number: UInt64, _ named: inout (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
  ) -> Bool {
    let index = Int(min(number, 511))
    return withUnsafeMutableBytes(of: &named) { bytes in
      let bit: UInt8 = 1 << UInt8(index & 7)
      defer { bytes[index >> 3] |= bit }
      return bytes[index >> 3] & bit == 0
    }
  }
}
