/// What mq_open(3) may ask for.
public struct MessageQueueSize: Equatable, BitwiseCopyable, Sendable {
  /// How many messages a queue takes (mq_maxmsg), and how long each may be, in bytes (mq_msgsize).
  public var messageCount: Int64
  public var messageSize: Int64

  @inline(__always)
  public init(messageCount: Int64, messageSize: Int64) {
    self.messageCount = messageCount
    self.messageSize = messageSize
  }

  /// What a queue counts for (RLIMIT_MSGQUEUE): its messages, the record of each, which on Linux has 48 bytes, and as
  /// many for a node of each priority that they can have. Not negative, and checked by `MessageQueueLimits`.
  public var accountedBytes: UInt64 {
    let count = UInt64(messageCount)
    return count &* (UInt64(messageSize) &+ 48) &+ min(count, 32_768) &* 48
  }
}

/// The limits of POSIX message queues: the files of /proc/sys/fs/mqueue (mq_overview(7)).
public struct MessageQueueLimits: Sendable {
  public enum Name: Int, CaseIterable, Sendable {
    /// queues_max, msg_max, msgsize_max, msg_default, msgsize_default.
    case queues, messageCount, messageSize, defaultMessageCount, defaultMessageSize

    /// What may be set. The number of queues is not checked, as on Linux: a negative one is no bound at all.
    public var range: ClosedRange<Int64> {
      switch self {
      case .queues: Int64(Int32.min)...Int64(Int32.max)
      case .messageCount, .defaultMessageCount: 1...MessageQueueLimits.largestMessageCount
      case .messageSize, .defaultMessageSize: 128...MessageQueueLimits.largestMessageSize
      }
    }
  }

  /// The most that the privileged may have (HARD_MSGMAX, HARD_MSGSIZEMAX).
  public static var largestMessageCount: Int64 { 65_536 }
  public static var largestMessageSize: Int64 { 16 << 20 }

  private var values: InlineArray<5, Int64> = [256, 10, 8192, 10, 8192]

  public init() {}

  public subscript(name: Name) -> Int64 { values[name.rawValue] }

  /// Whether one more queue may be made.
  public func allowsQueue(after count: Int) -> Bool {
    UInt64(count) < UInt64(UInt32(truncatingIfNeeded: self[.queues]))
  }

  /// What a queue is like where nobody says.
  public var defaultSize: MessageQueueSize {
    MessageQueueSize(
      messageCount: min(self[.messageCount], self[.defaultMessageCount]),
      messageSize: min(self[.messageSize], self[.defaultMessageSize]))
  }

  /// - Parameter exceedsLimits: whether only the largest of all counts (CAP_SYS_RESOURCE).
  /// - Throws: EINVAL.
  public func check(_ size: MessageQueueSize, exceedsLimits: Bool) throws(Errno) {
    let count = exceedsLimits ? Self.largestMessageCount : self[.messageCount]
    let length = exceedsLimits ? Self.largestMessageSize : self[.messageSize]
    guard size.messageCount > 0, size.messageSize > 0, size.messageCount <= count, size.messageSize <= length else {
      throw .invalid
    }
  }

  /// Takes what was written to a limit's file: a decimal number, with blanks on either side. Nothing changes nothing.
  ///
  /// - Throws: EINVAL.
  public mutating func set(_ name: Name, to text: ByteView) throws(Errno) {
    var start = 0
    var end = text.count
    func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte >= 9 && byte <= 13 }
    while start < end, isBlank(text[start]) { start += 1 }
    while end > start, isBlank(text[end - 1]) { end -= 1 }
    if start == end { return }
    let isNegative = text[start] == UInt8(ascii: "-")
    if isNegative { start += 1 }
    guard let digits = text.slice(at: start, count: end - start)?.unsignedInteger(radix: 10), digits < 1 << 32 else {
      throw .invalid
    }
    let value = isNegative ? -Int64(digits) : Int64(digits)
    guard name.range.contains(value) else { throw .invalid }
    values[name.rawValue] = value
  }
}

/// Names of queues, without the slash that mq_open(3) takes away.
public enum MessageQueueName {
  /// - Throws: ENOENT for none, EACCES for one that is a path, ENAMETOOLONG beyond 255 bytes.
  public static func check(_ name: ByteView) throws(Errno) {
    if name.isEmpty { throw .noEntry }
    if name == "." || name == ".." || name.firstIndex(of: UInt8(ascii: "/")) != nil { throw .access }
    if name.count > 255 { throw .nameTooLong }
  }
}
