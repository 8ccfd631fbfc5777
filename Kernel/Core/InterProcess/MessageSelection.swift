/// Which message of a queue msgrcv(2) takes.
public struct MessageSelection: Equatable, Sendable {
  enum Kind: UInt8, Sendable {
    /// The first one.
    case first
    /// The one with this place in the queue, from 0 on (MSG_COPY).
    case place
    /// The first one of a type, or of another one (MSG_EXCEPT).
    case type, otherType
    /// The first one of the lowest type up to one.
    case upToType
  }

  let kind: Kind
  let type: Int64

  /// MSG_NOERROR, MSG_EXCEPT and MSG_COPY.
  public static var cutsOff: UInt64 { 0o10000 }
  public static var except: UInt64 { 0o20000 }
  public static var copy: UInt64 { 0o40000 }

  /// - Parameters:
  ///   - type: msgrcv's fourth argument.
  ///   - flags: its fifth.
  public init(type: Int64, flags: UInt64) {
    if flags & Self.copy != 0 {
      kind = .place
      self.type = type
    } else if type == 0 {
      kind = .first
      self.type = 0
    } else if type < 0 {
      kind = .upToType
      self.type = type == .min ? .max : -type
    } else {
      kind = flags & Self.except != 0 ? .otherType : .type
      self.type = type
    }
  }

  /// Whether a message is one that may be taken.
  public func accepts(_ type: Int64) -> Bool {
    switch kind {
    case .first, .place: true
    case .type: type == self.type
    case .otherType: type != self.type
    case .upToType: type <= self.type
    }
  }

  /// The message to take.
  ///
  /// - Parameters:
  ///   - first: the first message; nil where there is none.
  ///   - next, type: what follows a message, and its type.
  public func find<Message>(
    from first: Message?, next: (Message) -> Message?, type: (Message) -> Int64
  ) -> Message? {
    var candidate = first
    var found: Message?
    var lowest = self.type
    var place: Int64 = 0
    while let message = candidate {
      let messageType = type(message)
      switch kind {
      case .place:
        if place == self.type { return message }
        place += 1
      case .upToType:
        if messageType <= lowest {
          // No later one has a type below it.
          if messageType == 1 { return message }
          found = message
          lowest = messageType - 1
        }
      case .first, .type, .otherType:
        if accepts(messageType) { return message }
      }
      candidate = next(message)
    }
    return found
  }
}
