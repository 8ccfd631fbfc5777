/// Where the bytes of a pipe lie in its buffer, and how many a reader may take or a writer may put (pipe(7)).
///
/// The buffer is a ring of `capacity` bytes, a power of two of pages. Readers and writers reserve a part of it,
/// copy with no lock held, and then commit: what lies between `head` and `tail` is the readers', the rest the
/// writers', and neither touches the other's. The caller lets one reader and one writer copy at a time.
///
/// In packet mode (O_DIRECT, pipe(2)) each write of up to a page is a packet, which one read takes or cuts off.
/// Packets and plain bytes may follow each other, since F_SETFL changes the mode.
///
/// The packets' marks are kept in memory of the caller's: `packetLimit` of them, one for each page of the buffer.
public struct PipeRing {
  /// PIPE_BUF: a write of up to so many bytes is not mixed with others.
  public static var atomicSize: Int { 4096 }
  public static var pageSize: Int { 4096 }
  public static var defaultCapacity: Int { 65536 }
  /// /proc/sys/fs/pipe-max-size
  public static var largestCapacity: Int { 1 << 20 }

  /// A packet that has been written and not been read.
  public struct Packet: BitwiseCopyable, Sendable {
    /// The position of its first byte.
    var start: UInt64
    var count: Int
  }

  /// In bytes.
  public private(set) var capacity: Int
  /// Bytes taken out, and put in, since the ring was last empty.
  public private(set) var head: UInt64 = 0
  public private(set) var tail: UInt64 = 0
  /// The packets among the bytes, a ring of their own.
  private var packets: UnsafeMutablePointer<Packet>?
  private var firstPacket = 0
  public private(set) var packetCount = 0

  public init(capacity: Int = PipeRing.defaultCapacity) {
    self.capacity = capacity
  }

  /// The bytes that can be read.
  @inline(__always)
  public var count: Int { Int(truncatingIfNeeded: tail &- head) }

  @inline(__always)
  public var room: Int { capacity &- count }

  /// How many packets fit, of whatever size: one for each page, as on Linux.
  public var packetLimit: Int { capacity / Self.pageSize }

  public var hasPacketMemory: Bool { packets != nil }

  /// Whether poll(2) calls the pipe writable, and a writer that waits goes on: there is room for an atomic write.
  @inline(__always)
  public var isWritable: Bool { room >= Self.atomicSize && packetCount < packetLimit }

  /// Gives the ring the memory for `packetLimit` marks, before the first packet is written.
  ///
  /// - Returns: what it had before.
  public mutating func setPacketMemory(_ memory: UnsafeMutablePointer<Packet>?) -> UnsafeMutablePointer<Packet>? {
    let previous = packets
    if let memory, let previous {
      for index in 0..<packetCount { memory[index] = previous[(firstPacket + index) % packetLimit] }
    }
    packets = memory
    firstPacket = 0
    return previous
  }

  // MARK: Writing

  /// How many bytes of a write may be put now; 0 where the writer has to wait.
  ///
  /// - Parameters:
  ///   - requested: what is left of the write, more than 0.
  ///   - isWhole: whether it is a write of up to PIPE_BUF bytes, which goes in as a whole.
  ///   - isPacket: whether the write makes packets.
  @inline(__always)
  public func writableCount(_ requested: Int, isWhole: Bool, isPacket: Bool) -> Int {
    if isPacket {
      let size = min(requested, Self.atomicSize)
      return room >= size && packetCount < packetLimit ? size : 0
    }
    if isWhole { return room >= requested ? requested : 0 }
    // A large write waits for the room of a page, so that it does not go on byte by byte.
    return room >= Self.atomicSize ? min(room, requested) : 0
  }

  /// Bytes have been put behind the tail: `writableCount` of them at most.
  @inline(__always)
  public mutating func commitWrite(_ written: Int, isPacket: Bool) {
    if isPacket, let packets, written > 0 {
      packets[(firstPacket + packetCount) % packetLimit] = Packet(start: tail, count: written)
      packetCount &+= 1
    }
    tail &+= UInt64(truncatingIfNeeded: written)
  }

  // MARK: Reading

  /// What one read may take now.
  public struct Reservation: Sendable {
    /// The bytes that it gets.
    public var count: Int
    /// The bytes that leave the ring: more where it gets only the beginning of a packet.
    public var consumed: Int
    /// Whether the read ends with them, though more may be there.
    public var isPacket: Bool
  }

  /// What a read of up to `requested` bytes takes; nothing where the ring is empty.
  @inline(__always)
  public func readable(_ requested: Int) -> Reservation {
    if packetCount == 0 {
      let taken = min(requested, count)
      return Reservation(count: taken, consumed: taken, isPacket: false)
    }
    return readableBesidePackets(requested)
  }

  private func readableBesidePackets(_ requested: Int) -> Reservation {
    guard let packets else { return Reservation(count: 0, consumed: 0, isPacket: false) }
    let packet = packets[firstPacket]
    if packet.start == head {
      return Reservation(count: min(requested, packet.count), consumed: packet.count, isPacket: true)
    }
    let taken = min(requested, Int(truncatingIfNeeded: packet.start &- head))
    return Reservation(count: taken, consumed: taken, isPacket: false)
  }

  /// The reservation's bytes, or the first `consumed` of a plain one, have been taken out.
  ///
  /// - Parameter mayRestart: whether nobody is writing: an empty ring then begins again at its first page, which
  ///   is in the caches.
  @inline(__always)
  public mutating func commitRead(_ consumed: Int, isPacket: Bool, mayRestart: Bool) {
    head &+= UInt64(truncatingIfNeeded: consumed)
    if isPacket {
      firstPacket = (firstPacket + 1) % packetLimit
      packetCount &-= 1
    }
    if mayRestart, head == tail {
      head = 0
      tail = 0
    }
  }

  /// The first bytes of a packet at the head, but not all, have been taken out: the others stay, as a packet
  /// (splice(2), where read(2) would have cut them off).
  public mutating func commitPacketPart(_ taken: Int) {
    guard let packets else { return }
    head &+= UInt64(truncatingIfNeeded: taken)
    packets[firstPacket].start = head
    packets[firstPacket].count &-= taken
  }

  // MARK: Places in the buffer

  /// The bytes that lie together in one page from a position on.
  @inline(__always)
  public func place(of position: UInt64) -> (page: Int, offset: Int, count: Int) {
    let index = Int(truncatingIfNeeded: position) & (capacity &- 1)
    let offset = index & (Self.pageSize &- 1)
    return (index &>> 12, offset, Self.pageSize &- offset)
  }

  // MARK: Another size

  /// The capacity that F_SETPIPE_SZ makes of a size in bytes; nil for one that is refused (EINVAL).
  public static func capacity(forSize size: UInt32) -> Int? {
    if size > 1 << 31 { return nil }
    var capacity = pageSize
    while capacity < Int(size) { capacity *= 2 }
    return capacity
  }

  /// Whether what is in the ring fits into another capacity.
  public func fits(_ newCapacity: Int) -> Bool {
    count <= newCapacity && packetCount <= newCapacity / Self.pageSize
  }

  /// Another capacity, into which what is there fits. The caller has moved the bytes to the buffer's beginning,
  /// and given the ring the packet memory for it afterwards.
  ///
  /// - Parameter packetMemory: for the marks; nil where the ring has none.
  /// - Returns: the packet memory that it had before.
  public mutating func resize(
    to newCapacity: Int, packetMemory: UnsafeMutablePointer<Packet>?
  ) -> UnsafeMutablePointer<Packet>? {
    let previous = setPacketMemory(packetMemory)
    if let packetMemory {
      for index in 0..<packetCount { packetMemory[index].start &-= head }
    }
    tail &-= head
    head = 0
    capacity = newCapacity
    return previous
  }
}
