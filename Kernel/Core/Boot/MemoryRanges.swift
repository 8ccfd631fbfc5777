/// A set of physical memory as sorted, disjoint ranges of bytes: what the memory map offers, less what is
/// taken.
///
/// Exists before there is an allocator, so its room is fixed: ranges beyond the room are dropped, the
/// smallest first, and `droppedBytes` says how much.
public struct MemoryRanges: Sendable {
  public static var capacity: Int { 64 }

  private var starts = InlineArray<64, UInt64>(repeating: 0)
  private var ends = InlineArray<64, UInt64>(repeating: 0)
  public private(set) var count = 0
  public private(set) var droppedBytes: UInt64 = 0

  public init() {}

  public subscript(index: Int) -> Range<UInt64> {
    precondition(index < count)
    return starts[index]..<ends[index]
  }

  /// The first address behind the last range.
  public var limit: UInt64 { count == 0 ? 0 : ends[count - 1] }

  public var totalBytes: UInt64 {
    var total: UInt64 = 0
    for index in 0..<count { total += ends[index] - starts[index] }
    return total
  }

  /// Adds a range; what it shares with ranges that are there is not counted twice.
  public mutating func insert(_ range: Range<UInt64>) {
    if range.isEmpty { return }
    var merged = range
    var index = 0
    while index < count {
      if ends[index] < merged.lowerBound || starts[index] > merged.upperBound {
        index += 1
        continue
      }
      merged = min(starts[index], merged.lowerBound)..<max(ends[index], merged.upperBound)
      removeEntry(index)
    }
    place(merged)
  }

  /// Takes a range out, wherever it overlaps.
  public mutating func remove(_ range: Range<UInt64>) {
    if range.isEmpty { return }
    var index = 0
    while index < count {
      let start = starts[index]
      let end = ends[index]
      if end <= range.lowerBound || start >= range.upperBound {
        index += 1
        continue
      }
      removeEntry(index)
      if start < range.lowerBound {
        place(start..<range.lowerBound)
        index += 1
      }
      if end > range.upperBound { place(range.upperBound..<end) }
    }
  }

  /// Takes `size` bytes out at a multiple of `alignment` (a power of two), ending at or below `limit`.
  public mutating func take(_ size: UInt64, alignment: UInt64, below limit: UInt64) -> UInt64? {
    for index in 0..<count {
      let (unaligned, overflows) = starts[index].addingReportingOverflow(alignment - 1)
      if overflows { return nil }
      let start = unaligned & ~(alignment - 1)
      let (end, endOverflows) = start.addingReportingOverflow(size)
      if endOverflows || end > min(ends[index], limit) { continue }
      remove(start..<end)
      return start
    }
    return nil
  }

  /// Shrinks each range to whole pages; ranges without one go.
  public mutating func roundToPages() {
    let unrounded = self
    count = 0
    for index in 0..<unrounded.count {
      let (above, overflows) = unrounded.starts[index].addingReportingOverflow(4095)
      let start = above & ~4095
      let end = unrounded.ends[index] & ~4095
      if !overflows, start < end { place(start..<end) }
    }
  }

  private mutating func removeEntry(_ index: Int) {
    var next = index + 1
    while next < count {
      starts[next - 1] = starts[next]
      ends[next - 1] = ends[next]
      next += 1
    }
    count -= 1
  }

  private mutating func place(_ range: Range<UInt64>) {
    if count == Self.capacity {
      var smallest = 0
      for index in 1..<count where ends[index] - starts[index] < ends[smallest] - starts[smallest] {
        smallest = index
      }
      let size = ends[smallest] - starts[smallest]
      if size >= range.upperBound - range.lowerBound {
        droppedBytes += range.upperBound - range.lowerBound
        return
      }
      droppedBytes += size
      removeEntry(smallest)
    }
    var index = count
    while index > 0, starts[index - 1] > range.lowerBound {
      starts[index] = starts[index - 1]
      ends[index] = ends[index - 1]
      index -= 1
    }
    starts[index] = range.lowerBound
    ends[index] = range.upperBound
    count += 1
  }
}
