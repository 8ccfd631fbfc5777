/// A record's place in a deadline queue. Part of the record of whatever waits for a time.
public struct DeadlineLinks {
  /// The two smaller queues below this record, and the record above.
  var left: UnsafeMutableRawPointer?
  var right: UnsafeMutableRawPointer?
  var parent: UnsafeMutableRawPointer?
  /// The number of records on the shortest way down and out, this one included; 0 if it is on no queue.
  var rank: UInt32
  /// The time that the record waits for, in the queue's unit.
  public internal(set) var deadline: UInt64

  /// The links of a record that waits for nothing.
  public init() {
    left = nil
    right = nil
    parent = nil
    rank = 0
    deadline = 0
  }

  /// Whether the record is on a queue.
  @inline(__always)
  public var isQueued: Bool { rank != 0 }
}

/// A record with a place in a deadline queue. Its address must not change while it is on one.
public protocol DeadlineQueued {
  var deadlineLinks: DeadlineLinks { get set }
}
