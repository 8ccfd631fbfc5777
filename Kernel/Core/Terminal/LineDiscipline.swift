/// The line discipline between a terminal's wire and the programs that read and write it (termios(3)): line
/// editing, echo, signals from keys, flow control, and the treatment of output.
///
/// Decides alone: what is to happen elsewhere goes to a `TerminalEffects`. Whoever owns it keeps calls apart
/// by a lock.
///
/// Input waits in a ring of 4096 bytes, in three parts: complete lines from `tail` to `lineEnd`, and the line
/// that is being typed from there to `head`. The counts run on; a byte's place is its count modulo the
/// capacity. A bit for each place marks the last byte of a line. In non-canonical mode there are only bytes,
/// and `lineEnd` is unused.
public struct LineDiscipline: ~Copyable {
  /// The bytes of input that can wait: a line's 4095 and its newline.
  public static var capacity: Int { 4096 }
  /// The bytes of memory that an instance is given.
  public static var storageSize: Int { capacity + capacity / 8 }

  private let bytes: UnsafeMutablePointer<UInt8>
  private let delimiters: UnsafeMutablePointer<UInt8>

  /// Changed by `setAttributes`.
  public internal(set) var attributes: TerminalAttributes
  var tail = 0
  var lineEnd = 0
  var head = 0
  /// Where the cursor is, counted from the left edge, as far as can be known.
  var column = 0
  /// Where the line that is being typed began.
  var lineColumn = 0
  /// The next byte is taken as it is (VLNEXT).
  var isNextLiteral = false
  /// Erased characters are being shown between \ and / (ECHOPRT).
  var isShowingErased = false
  /// By a key.
  public internal(set) var isStoppedByKey = false
  /// By tcflow(3).
  public internal(set) var isStoppedByCall = false
  /// Whether IXOFF has an effect: not where whoever sends waits for room anyway.
  public var asksSenderToStop = true
  /// The other side has been asked to send no more (IXOFF).
  var isSenderStopped = false

  /// - Parameter memory: `storageSize` bytes, which outlive it.
  public init(attributes: TerminalAttributes, memory: UnsafeMutableRawPointer) {
    self.attributes = attributes
    bytes = memory.bindMemory(to: UInt8.self, capacity: Self.storageSize)
    delimiters = bytes + Self.capacity
    for index in 0..<Self.storageSize { bytes[index] = 0 }
  }

  var isCanonical: Bool { attributes.isCanonical }
  /// Writers wait while output is stopped.
  public var isStopped: Bool { isStoppedByKey || isStoppedByCall }
  var isLineEmpty: Bool { head == lineEnd }

  // MARK: The ring

  func byte(at count: Int) -> UInt8 { bytes[count & (Self.capacity - 1)] }

  func isDelimiter(_ count: Int) -> Bool {
    let place = count & (Self.capacity - 1)
    return delimiters[place >> 3] >> UInt8(place & 7) & 1 != 0
  }

  mutating func markDelimiter(_ count: Int) {
    let place = count & (Self.capacity - 1)
    delimiters[place >> 3] |= 1 << UInt8(place & 7)
  }

  private mutating func clearDelimiter(_ count: Int) {
    let place = count & (Self.capacity - 1)
    delimiters[place >> 3] &= ~(1 << UInt8(place & 7))
  }

  private mutating func clearDelimiters() {
    for index in 0..<Self.capacity / 8 { delimiters[index] = 0 }
  }

  mutating func append(_ byte: UInt8) {
    guard head - tail < Self.capacity else { return }
    bytes[head & (Self.capacity - 1)] = byte
    head += 1
  }

  // MARK: Reading

  /// Whether another byte of input can be taken; otherwise its sender has to wait for a reader.
  ///
  /// A line that is too long goes on being taken, without effect on what will be read, so that it can be
  /// ended.
  public var hasRoom: Bool { head - tail < Self.capacity - 1 || isCanonical && lineEnd == tail }

  /// Whether a read would find something.
  public var isReadable: Bool { isCanonical ? lineEnd != tail : head != tail }

  /// Whether poll(2) says so: in non-canonical mode without a timer, VMIN bytes have to be there.
  public var isReadableForPoll: Bool {
    if isCanonical { return lineEnd != tail }
    let needed = attributes[.time] == 0 ? max(1, Int(attributes[.minimum])) : 1
    return head - tail >= needed
  }

  /// FIONREAD: the bytes that reads would give now.
  public var readableCount: Int {
    if !isCanonical { return head - tail }
    var count = lineEnd - tail
    for place in tail..<lineEnd where isDelimiter(place) && byte(at: place) == 0 { count -= 1 }
    return count
  }

  /// Gives what one read gets: in canonical mode a line or what of it fits, else what has come.
  ///
  /// - Returns: how many bytes were given, and whether a line's end was reached: with 0 bytes that is the end
  ///   of the file (VEOF).
  public mutating func read(into target: UnsafeMutableRawBufferPointer) -> (count: Int, isLineEnd: Bool) {
    var count = 0
    let end = isCanonical ? lineEnd : head
    while tail < end {
      let value = byte(at: tail)
      if isCanonical, isDelimiter(tail) {
        // VEOF ends a line and is no part of it, and is gone with the byte before it.
        let isInvisible = value == 0
        guard isInvisible || count < target.count else { break }
        clearDelimiter(tail)
        tail += 1
        if !isInvisible {
          target[count] = value
          count += 1
        }
        return (count, true)
      }
      guard count < target.count else { break }
      target[count] = value
      count += 1
      tail += 1
    }
    return (count, false)
  }

  /// Throws away what has not been read (tcflush(3)).
  public mutating func discardInput() {
    tail = 0
    lineEnd = 0
    head = 0
    isNextLiteral = false
    isShowingErased = false
    clearDelimiters()
  }

  // MARK: Attributes

  /// Other attributes from now on. On a change between the modes what waits is kept: on the way to canonical
  /// mode it becomes a line, on the way out of it a line that is being typed can be read too.
  ///
  /// - Returns: whether output that a key had stopped goes on, since keys do not stop it any more.
  public mutating func setAttributes(_ new: TerminalAttributes) -> Bool {
    let wasCanonical = isCanonical
    let hadFlowControl = attributes.input.contains(.flowControl)
    attributes = new
    if wasCanonical != isCanonical {
      clearDelimiters()
      isNextLiteral = false
      isShowingErased = false
      if isCanonical, head != tail {
        markDelimiter(head - 1)
        lineEnd = head
      } else {
        lineEnd = tail
      }
    }
    guard hadFlowControl, !new.input.contains(.flowControl), isStoppedByKey else { return false }
    isStoppedByKey = false
    return !isStoppedByCall
  }
}
