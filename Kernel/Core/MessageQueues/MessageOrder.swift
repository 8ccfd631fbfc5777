/// The messages of a queue in the order in which they are received: by priority, the highest first, and of one priority
/// as they came (mq_overview(7)).
///
/// A binary heap in an array that the caller provides, which bounds the number of messages. A change takes a number of
/// steps that grows with its logarithm. The caller provides the lock.
public struct MessageOrder<Message: BitwiseCopyable> {
  /// MQ_PRIO_MAX: priorities are below it.
  public static var priorityLimit: UInt32 { 32_768 }

  /// A place in the array.
  public struct Entry: BitwiseCopyable {
    /// Less than that of all that come later.
    fileprivate var key: UInt64
    fileprivate var message: Message
  }

  private let storage: UnsafeMutablePointer<Entry>
  /// How many messages there may be.
  public let capacity: Int
  public private(set) var count = 0
  /// How many messages have come since the queue was empty: 49 bits of a key.
  private var arrivals: UInt64 = 0

  /// - Parameter storage: room for `capacity` entries, which need not be initialised.
  public init(storage: UnsafeMutablePointer<Entry>, capacity: Int) {
    self.storage = storage
    self.capacity = capacity
  }

  @inline(__always)
  public var isFull: Bool { count == capacity }
  @inline(__always)
  public var isEmpty: Bool { count == 0 }

  /// Puts a message in, where it is not full.
  ///
  /// - Parameter priority: below `priorityLimit`.
  public mutating func insert(_ message: Message, priority: UInt32) {
    guard count < capacity else { return }
    let inverse = UInt64(Self.priorityLimit &- 1 &- min(priority, Self.priorityLimit &- 1))
    let entry = Entry(key: inverse &<< 49 | arrivals, message: message)
    arrivals = (arrivals &+ 1) & (1 &<< 49 &- 1)
    var place = count
    count &+= 1
    while place > 0 {
      let parent = (place &- 1) &>> 1
      if storage[parent].key < entry.key { break }
      storage[place] = storage[parent]
      place = parent
    }
    storage[place] = entry
  }

  /// Takes the first message out; nil where there is none.
  public mutating func takeFirst() -> (message: Message, priority: UInt32)? {
    if count == 0 { return nil }
    let first = storage[0]
    count &-= 1
    if count == 0 { arrivals = 0 }
    let last = storage[count]
    var place = 0
    while true {
      var child = 2 &* place &+ 1
      if child >= count { break }
      if child &+ 1 < count, storage[child &+ 1].key < storage[child].key { child &+= 1 }
      if last.key < storage[child].key { break }
      storage[place] = storage[child]
      place = child
    }
    if count > 0 { storage[place] = last }
    return (first.message, Self.priorityLimit &- 1 &- UInt32(truncatingIfNeeded: first.key &>> 49))
  }
}
