import Core
import Machine

extension SystemCalls {
  /// poll(2)
  static func poll(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let deadline = deadline(milliseconds: Int32(truncatingIfNeeded: arguments.third))
    return try pollRestarting(arguments.first, count: arguments.second, until: deadline)
  }

  /// poll(2) that goes on until the same time after a signal without a handler, or a stop.
  static func pollRestarting(_ address: UInt64, count: UInt64, until deadline: UInt64?) throws(Errno) -> Int64 {
    do throws(Errno) {
      return try poll(address, count: count, until: deadline)
    } catch {
      guard error == .restartUnlessHandled, let deadline else { throw error }
      Scheduler.current.pointee.signals.restart = .poll(address: address, count: count, deadline: deadline)
      throw .restartBlock
    }
  }

  /// ppoll(2), the raw call: the timeout is changed to what is left of it.
  static func ppoll(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let deadline = try deadline(timeSpecificationAt: arguments.third)
    // What is left is told even after a signal.
    defer {
      if let deadline, deadline != 0 {
        let remaining = TimeSpecification(nanoseconds: remainingNanoseconds(until: deadline))
        _ = UserMemory.store(remaining, to: arguments.third)
      }
    }
    return try withSignalMask(at: arguments.fourth, size: arguments.fifth) { () throws(Errno) in
      try poll(arguments.first, count: arguments.second, until: deadline)
    }
  }

  /// `struct pollfd`: a descriptor, and 16 bits each of what is wanted and what was found.
  private static func poll(_ address: UInt64, count: UInt64, until deadline: UInt64?) throws(Errno) -> Int64 {
    let count = Int(count & 0xFFFF_FFFF)
    let process = Scheduler.current.pointee.process!
    guard UInt64(count) <= process.limit(.openFiles) else { throw .invalid }
    guard UserMemory.contains(address, count: count * 8) else { throw .badAddress }
    var entries = HeapArray<PollEntry>()
    guard entries.makeRoom(for: count) else { throw .outOfMemory }
    defer { entries.removeAll() }
    for index in 0..<count {
      guard let record = UserMemory.load(UInt64(0), from: address + UInt64(index) * 8) else { throw .badAddress }
      let descriptor = Int32(truncatingIfNeeded: record)
      let wanted = PollEvents(rawValue: UInt32(truncatingIfNeeded: record >> 32 & 0xFFFF))
      var entry = PollEntry(descriptor: descriptor, file: nil, wanted: wanted.union([.error, .hangUp]))
      if descriptor >= 0 {
        do throws(Errno) {
          entry.file = try self.file(UInt64(descriptor))
        } catch {
          entry.found = .invalid
        }
      }
      entries.append(entry)
    }
    let ready = try PollWait.wait(entries, until: deadline)
    for index in 0..<count {
      let found = UInt16(truncatingIfNeeded: entries[index].found.rawValue)
      guard UserMemory.store(found, to: address + UInt64(index) * 8 + 6) else { throw .badAddress }
    }
    return Int64(ready)
  }
}
