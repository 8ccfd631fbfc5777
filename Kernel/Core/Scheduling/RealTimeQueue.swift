/// Threads with a real-time priority that are ready: a line for each priority, the highest first (sched(7)).
struct RealTimeQueue<Element: Schedulable> {
  /// Indexed by priority; 0 is not used.
  private var lines: InlineArray<100, ThreadList<Element>>
  /// The priorities with threads, a bit each.
  private var low: UInt64
  private var high: UInt64
  /// The highest priority with threads; 0 for none.
  private(set) var highest: UInt8

  init() {
    lines = InlineArray(repeating: ThreadList())
    low = 0
    high = 0
    highest = 0
  }

  /// The thread that is next.
  var first: UnsafeMutablePointer<Element>? { highest == 0 ? nil : lines[Int(highest)].first }

  mutating func add(_ element: UnsafeMutablePointer<Element>, isFirst: Bool) {
    let priority = element.pointee.scheduling.priority
    if isFirst { lines[Int(priority)].prepend(element) } else { lines[Int(priority)].append(element) }
    if priority < 64 { low |= 1 &<< UInt64(priority) } else { high |= 1 &<< UInt64(priority &- 64) }
    highest = max(highest, priority)
  }

  mutating func remove(_ element: UnsafeMutablePointer<Element>) {
    let priority = element.pointee.scheduling.priority
    lines[Int(priority)].remove(element)
    if lines[Int(priority)].first != nil { return }
    if priority < 64 { low &= ~(1 &<< UInt64(priority)) } else { high &= ~(1 &<< UInt64(priority &- 64)) }
    highest = UInt8(high != 0 ? 127 - high.leadingZeroBitCount : low != 0 ? 63 - low.leadingZeroBitCount : 0)
  }

  /// Takes the next thread, which there is.
  mutating func takeFirst() -> UnsafeMutablePointer<Element> {
    let element = lines[Int(highest)].first.unsafelyUnwrapped
    remove(element)
    return element
  }
}
