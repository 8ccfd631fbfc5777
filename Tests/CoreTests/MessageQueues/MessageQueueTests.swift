import Core
import Testing

@Suite struct MessageQueueTests {
  typealias Order = MessageOrder<Int>

  static func withOrder(_ capacity: Int, _ body: (inout Order) throws -> Void) rethrows {
    let storage = UnsafeMutablePointer<Order.Entry>.allocate(capacity: capacity)
    defer { storage.deallocate() }
    var order = Order(storage: storage, capacity: capacity)
    try body(&order)
  }

  @Test func messagesComeByPriorityAndThenAsTheyArrived() {
    Self.withOrder(6) { order in
      for (message, priority) in [(1, 0), (2, 7), (3, 32767), (4, 7), (5, 0), (6, 32767)] {
        order.insert(message, priority: UInt32(priority))
      }
      #expect(order.isFull)
      var taken: [Int] = []
      var priorities: [UInt32] = []
      while let next = order.takeFirst() {
        taken.append(next.message)
        priorities.append(next.priority)
      }
      #expect(taken == [3, 6, 2, 4, 1, 5])
      #expect(priorities == [32767, 32767, 7, 7, 0, 0])
      #expect(order.isEmpty)
    }
  }

  @Test func orderHoldsAgainstAModel() {
    var state: UInt64 = 0x1234_5678_9ABC_DEF1
    func random(below limit: UInt64) -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state % limit
    }
    Self.withOrder(50) { order in
      var model: [(message: Int, priority: UInt32)] = []
      for turn in 0..<20_000 {
        if random(below: 100) < (turn / 2_000 % 2 == 0 ? 60 : 40), !order.isFull {
          let priority = UInt32(random(below: 4) == 0 ? random(below: 32_768) : random(below: 3))
          order.insert(turn, priority: priority)
          let place = model.firstIndex { $0.priority < priority } ?? model.count
          model.insert((turn, priority), at: place)
        } else {
          let taken = order.takeFirst()
          let expected = model.isEmpty ? nil : model.removeFirst()
          #expect(taken?.message == expected?.message)
          #expect(taken?.priority == expected?.priority)
        }
        #expect(order.count == model.count)
      }
    }
  }

  @Test func aFullQueueTakesNothing() {
    Self.withOrder(1) { order in
      order.insert(1, priority: 1)
      order.insert(2, priority: 2)
      #expect(order.count == 1)
      #expect(order.takeFirst()?.message == 1)
      #expect(order.takeFirst() == nil)
    }
  }

  @Test func sizesAreBoundedByLimitsOrByTheLargestOfAll() throws {
    let limits = MessageQueueLimits()
    #expect(limits.defaultSize == MessageQueueSize(messageCount: 10, messageSize: 8192))
    try limits.check(limits.defaultSize, exceedsLimits: false)
    let large = MessageQueueSize(messageCount: 11, messageSize: 8193)
    #expect(throws: Errno.invalid) { try limits.check(large, exceedsLimits: false) }
    try limits.check(large, exceedsLimits: true)
    for (count, size) in [(0, 1), (1, 0), (-1, 1), (1, -1), (65_537, 1), (1, 16 << 20 + 1), (Int64.min, Int64.min)] {
      let size = MessageQueueSize(messageCount: count, messageSize: Int64(size))
      #expect(throws: Errno.invalid) { try limits.check(size, exceedsLimits: true) }
    }
    #expect(MessageQueueSize(messageCount: 10, messageSize: 8192).accountedBytes == 82_880)
    #expect(
      MessageQueueSize(messageCount: 65_536, messageSize: 16 << 20).accountedBytes
        == 65_536 * (16 << 20 + 48) + 32_768 * 48)
  }

  @Test func limitsTakeNumbersInTheirRange() throws {
    var limits = MessageQueueLimits()
    try limits.set(.messageCount, to: ByteView(" 12\n"))
    #expect(limits[.messageCount] == 12)
    try limits.set(.messageCount, to: ByteView("\n"))
    #expect(limits[.messageCount] == 12)
    for text: StaticString in ["0", "65537", "-1", "1x", "1 2", "-", "99999999999999999999"] {
      #expect(throws: Errno.invalid) { try limits.set(.messageCount, to: ByteView(text)) }
    }
    #expect(throws: Errno.invalid) { try limits.set(.messageSize, to: ByteView("127")) }
    #expect(limits[.messageCount] == 12)
    try limits.set(.queues, to: ByteView("2"))
    #expect(limits.allowsQueue(after: 1))
    #expect(!limits.allowsQueue(after: 2))
    try limits.set(.queues, to: ByteView("0"))
    #expect(!limits.allowsQueue(after: 0))
    // Linux takes it for a large one.
    try limits.set(.queues, to: ByteView("-1"))
    #expect(limits.allowsQueue(after: 1_000_000))
  }

  @Test func namesAreNoPaths() throws {
    for name: StaticString in ["a", "...", ".a", "a b"] { try MessageQueueName.check(ByteView(name)) }
    #expect(throws: Errno.noEntry) { try MessageQueueName.check(ByteView("")) }
    for name: StaticString in [".", "..", "/", "/a", "a/b", "a/"] {
      #expect(throws: Errno.access) { try MessageQueueName.check(ByteView(name)) }
    }
    var bytes = [UInt8](repeating: 120, count: 256)
    try bytes.withUnsafeBytes { try MessageQueueName.check(ByteView(UnsafeRawBufferPointer(rebasing: $0[0..<255]))) }
    _ = bytes.withUnsafeBytes { view in
      #expect(throws: Errno.nameTooLong) { try MessageQueueName.check(ByteView(view)) }
    }
    bytes[3] = UInt8(ascii: "/")
    _ = bytes.withUnsafeBytes { view in
      #expect(throws: Errno.access) { try MessageQueueName.check(ByteView(view)) }
    }
  }
}
