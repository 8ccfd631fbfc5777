import Core
import Machine

/// The segments that a thread has of its own, which only i386 has calls for.
extension SystemCalls {
  /// set_thread_area(2)
  static func set_thread_area(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try setThreadArea(at: arguments.first, entry: nil, of: Scheduler.current)
  }

  /// get_thread_area(2)
  static func get_thread_area(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard let entry = UserMemory.loadWord(arguments.first) else { throw .badAddress }
    try tellThreadArea(entry, of: Scheduler.current, to: arguments.first)
    return 0
  }

  /// - Parameters:
  ///   - address: of a `struct user_desc`.
  ///   - entry: the entry to be set; nil for the one that the structure names, or a free one.
  ///   - thread: the current thread, or one that is frozen.
  static func setThreadArea(at address: UInt64, entry: UInt32?, of thread: ThreadPointer) throws(Errno) -> Int64 {
    guard var segment = UserMemory.load(UserSegment(), from: address) else { throw .badAddress }
    guard segment.isForThreadStorage else { throw .invalid }
    if let entry {
      segment.entryNumber = entry
    } else if segment.entryNumber == .max {
      guard let free = thread.pointee.ownSegments.freeEntry else { throw .noProcess }
      guard UserMemory.store(free, to: address) else { throw .badAddress }
      segment.entryNumber = free
    }
    guard thread.pointee.ownSegments[segment.entryNumber] != nil else { throw .invalid }
    Segments.setOwn(segment, of: thread)
    return 0
  }

  /// Stores a `struct user_desc`.
  static func tellThreadArea(_ entry: UInt32, of thread: ThreadPointer, to address: UInt64) throws(Errno) {
    guard let descriptor = thread.pointee.ownSegments[entry] else { throw .invalid }
    let segment = UserSegment(entryNumber: entry, descriptor: descriptor)
    guard UserMemory.store(segment, to: address) else { throw .badAddress }
  }
}
