/// A sparse table from page numbers to values other than 0, such as the frames of a file: a radix tree whose
/// nodes have 64 slots.
///
/// It is as high as its largest page number needs, so that a value for page 0 alone takes no node, and a
/// lookup takes one step for every six bits. Nodes without values are given back.
///
/// The caller provides the nodes' memory and the lock.
public struct PageTree {
  /// Slots of a node.
  public static var slotCount: Int { 64 }
  /// The size in bytes of a node.
  public static var nodeSizeInBytes: Int { 512 }
  /// The first page number that cannot be stored.
  public static var limit: UInt64 { 1 << 54 }

  /// The number of pages with a value.
  public private(set) var count = 0
  /// Levels of nodes; with none, `root` is the value of page 0.
  private var height = 0
  /// A value, or the address of a node.
  private var root: UInt64 = 0

  public init() {}

  /// Whether the tree is high enough for a page.
  @inline(__always)
  private func reaches(_ page: UInt64) -> Bool { page &>> UInt64(truncatingIfNeeded: 6 &* height) == 0 }

  /// The value of a page, or 0.
  public func value(at page: UInt64) -> UInt64 {
    guard page < Self.limit, reaches(page) else { return 0 }
    var entry = root
    var level = height
    while level > 0, entry != 0 {
      level &-= 1
      entry = Self.node(entry)[Self.slot(page, level: level)]
    }
    return entry
  }

  /// Gives a page that has none a value.
  ///
  /// - Parameters:
  ///   - value: not 0.
  ///   - allocate: gives memory of `nodeSizeInBytes` that is aligned to 8 bytes, or nil.
  /// - Returns: false where there was no memory for a node, the page is beyond `limit`, or it has a value.
  public mutating func insert(
    _ value: UInt64, at page: UInt64, allocate: () -> UnsafeMutableRawPointer?
  ) -> Bool {
    guard page < Self.limit else { return false }
    while !reaches(page) {
      if root != 0 {
        guard let node = Self.makeNode(allocate) else { return false }
        Self.node(node)[0] = root
        root = node
      }
      height &+= 1
    }
    return withUnsafeMutablePointer(to: &root) { root in
      var entry = root
      var level = height
      while level > 0 {
        if entry.pointee == 0 {
          guard let node = Self.makeNode(allocate) else { return false }
          entry.pointee = node
        }
        level &-= 1
        entry = Self.node(entry.pointee) + Self.slot(page, level: level)
      }
      if entry.pointee != 0 { return false }
      entry.pointee = value
      count &+= 1
      return true
    }
  }

  /// Removes the values of a range of pages.
  ///
  /// - Parameters:
  ///   - removed: told of each value, in ascending order of pages.
  ///   - free: takes the memory of a node back.
  public mutating func remove(
    _ pages: Range<UInt64>, removed: (_ page: UInt64, _ value: UInt64) -> Void,
    free: (UnsafeMutableRawPointer) -> Void
  ) {
    // A tree that is page 0's value has no node whose slots would tell what lies in the range.
    if root == 0 || pages.isEmpty || !reaches(pages.lowerBound) { return }
    root = remove(pages, from: root, level: height, base: 0, removed, free)
    if root == 0 { height = 0 }
  }

  /// - Returns: what is left of the entry: itself, or 0.
  private mutating func remove(
    _ pages: Range<UInt64>, from entry: UInt64, level: Int, base: UInt64,
    _ removed: (UInt64, UInt64) -> Void, _ free: (UnsafeMutableRawPointer) -> Void
  ) -> UInt64 {
    if level == 0 {
      removed(base, entry)
      count &-= 1
      return 0
    }
    let node = Self.node(entry)
    let shift = UInt64(truncatingIfNeeded: 6 &* (level &- 1))
    var isEmpty = true
    for slot in 0..<Self.slotCount where node[slot] != 0 {
      let start = base &+ UInt64(truncatingIfNeeded: slot) &<< shift
      let end = start &+ 1 &<< shift
      if start < pages.upperBound, end > pages.lowerBound {
        node[slot] = remove(pages, from: node[slot], level: level &- 1, base: start, removed, free)
      }
      if node[slot] != 0 { isEmpty = false }
    }
    if !isEmpty { return entry }
    free(node)
    return 0
  }

  /// The first page from `page` on that has a value; nil if there is none.
  public func firstPage(from page: UInt64) -> UInt64? {
    guard root != 0, page < Self.limit else { return nil }
    return first(from: page, in: root, level: height, base: 0)
  }

  private func first(from page: UInt64, in entry: UInt64, level: Int, base: UInt64) -> UInt64? {
    if level == 0 { return base >= page ? base : nil }
    let shift = UInt64(truncatingIfNeeded: 6 &* (level &- 1))
    let node = Self.node(entry)
    for slot in 0..<Self.slotCount where node[slot] != 0 {
      let start = base &+ UInt64(truncatingIfNeeded: slot) &<< shift
      if start &+ 1 &<< shift <= page { continue }
      if let found = first(from: page, in: node[slot], level: level &- 1, base: start) { return found }
    }
    return nil
  }

  @inline(__always)
  private static func node(_ entry: UInt64) -> UnsafeMutablePointer<UInt64> {
    // SAFETY: only `makeNode` puts an address into an entry of this level, and `remove` takes it out first.
    UnsafeMutablePointer(bitPattern: UInt(entry)).unsafelyUnwrapped
  }

  @inline(__always)
  private static func slot(_ page: UInt64, level: Int) -> Int {
    Int(truncatingIfNeeded: page &>> UInt64(truncatingIfNeeded: 6 &* level) & 63)
  }

  private static func makeNode(_ allocate: () -> UnsafeMutableRawPointer?) -> UInt64? {
    guard let memory = allocate() else { return nil }
    memory.initializeMemory(as: UInt64.self, repeating: 0, count: slotCount)
    return UInt64(UInt(bitPattern: memory))
  }
}
