/// What waits for a point in time, earliest deadline first: an intrusive leftist heap.
///
/// A leftist heap is a binary tree in which no record is earlier than the one above it, and in which the
/// way out to the right is never longer than to the left. So the right spine of n records has at most
/// log2(n + 1), and each operation walks one: the bound holds for every single call, unlike a pairing
/// heap's, which matters to code that runs with interrupts off. Reading the earliest deadline takes one load.
///
/// Source: Crane, "Linear lists and priority queues as balanced binary trees", Stanford 1972; Knuth, The Art
/// of Computer Programming, volume 3, section 5.2.3.
///
/// The caller provides the lock, and keeps a record on one queue at most. Among equal deadlines the order is
/// not defined.
public struct DeadlineQueue<Element: DeadlineQueued> {
  private typealias Node = UnsafeMutablePointer<Element>

  /// Records on the queue.
  public private(set) var count: Int
  private var root: UnsafeMutablePointer<Element>?

  /// An empty queue.
  public init() {
    count = 0
    root = nil
  }

  /// The earliest deadline; nil if nothing waits.
  @inline(__always)
  public var earliestDeadline: UInt64? { root?.pointee.deadlineLinks.deadline }

  /// Adds a record that is on no queue.
  ///
  /// - Returns: whether it is now the earliest, so that a timer must be set anew.
  @discardableResult
  public mutating func insert(_ element: UnsafeMutablePointer<Element>, deadline: UInt64) -> Bool {
    element.pointee.deadlineLinks.left = nil
    element.pointee.deadlineLinks.right = nil
    element.pointee.deadlineLinks.parent = nil
    element.pointee.deadlineLinks.rank = 1
    element.pointee.deadlineLinks.deadline = deadline
    root = Self.merge(root, element, under: nil)
    count &+= 1
    return root == element
  }

  /// Takes a record off the queue before its time.
  ///
  /// - Returns: false if it is on no queue.
  @discardableResult
  public mutating func remove(_ element: UnsafeMutablePointer<Element>) -> Bool {
    guard element.pointee.deadlineLinks.isQueued else { return false }
    let parent = Self.node(element.pointee.deadlineLinks.parent)
    let wasLeft = parent.map { Self.node($0.pointee.deadlineLinks.left) == element } ?? false
    let rest = Self.merge(
      Self.node(element.pointee.deadlineLinks.left), Self.node(element.pointee.deadlineLinks.right),
      under: parent)
    if let parent {
      if wasLeft {
        parent.pointee.deadlineLinks.left = UnsafeMutableRawPointer(rest)
      } else {
        parent.pointee.deadlineLinks.right = UnsafeMutableRawPointer(rest)
      }
      Self.restoreRanks(from: parent, upTo: nil)
    } else {
      root = rest
    }
    element.pointee.deadlineLinks.rank = 0
    count &-= 1
    return true
  }

  /// Takes the earliest record off the queue if its deadline is not after `now`; nil if there is none.
  public mutating func popExpired(now: UInt64) -> UnsafeMutablePointer<Element>? {
    guard let first = root, first.pointee.deadlineLinks.deadline <= now else { return nil }
    remove(first)
    return first
  }

  // MARK: The tree

  @inline(__always)
  private static func node(_ link: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Element>? {
    link?.assumingMemoryBound(to: Element.self)
  }

  @inline(__always)
  private static func rank(_ link: UnsafeMutableRawPointer?) -> UInt32 {
    node(link)?.pointee.deadlineLinks.rank ?? 0
  }

  /// Merges two trees along their right spines and hangs the result under `parent`, whose link down to it
  /// the caller sets.
  private static func merge(
    _ first: UnsafeMutablePointer<Element>?, _ second: UnsafeMutablePointer<Element>?,
    under parent: UnsafeMutablePointer<Element>?
  ) -> UnsafeMutablePointer<Element>? {
    guard var upper = first, var lower = second else {
      let only = first ?? second
      only?.pointee.deadlineLinks.parent = UnsafeMutableRawPointer(parent)
      return only
    }
    // Down: the earlier of the two heads comes next on the merged spine.
    if lower.pointee.deadlineLinks.deadline < upper.pointee.deadlineLinks.deadline { swap(&upper, &lower) }
    let top = upper
    top.pointee.deadlineLinks.parent = UnsafeMutableRawPointer(parent)
    while let right = node(upper.pointee.deadlineLinks.right) {
      var next = right
      if lower.pointee.deadlineLinks.deadline < next.pointee.deadlineLinks.deadline { swap(&next, &lower) }
      upper.pointee.deadlineLinks.right = UnsafeMutableRawPointer(next)
      next.pointee.deadlineLinks.parent = UnsafeMutableRawPointer(upper)
      upper = next
    }
    upper.pointee.deadlineLinks.right = UnsafeMutableRawPointer(lower)
    lower.pointee.deadlineLinks.parent = UnsafeMutableRawPointer(upper)
    // Up: the spine's ranks, to the top whether or not they change, as records came in between.
    restoreRanks(from: upper, upTo: top)
    return top
  }

  /// Makes records leftist again, from one whose subtree has changed.
  ///
  /// - Parameter top: the last record to look at; nil to go on for as long as ranks change. Each change of a
  ///   rank follows one of the rank below, which is smaller by 1, so that there are at most log2(n + 1).
  @inline(__always)
  private static func restoreRanks(
    from start: UnsafeMutablePointer<Element>, upTo top: UnsafeMutablePointer<Element>?
  ) {
    var current: UnsafeMutablePointer<Element>? = start
    while let element = current {
      let left = element.pointee.deadlineLinks.left
      let right = element.pointee.deadlineLinks.right
      let leftRank = rank(left)
      let rightRank = rank(right)
      if leftRank < rightRank {
        element.pointee.deadlineLinks.left = right
        element.pointee.deadlineLinks.right = left
      }
      let newRank = min(leftRank, rightRank) &+ 1
      let isUnchanged = element.pointee.deadlineLinks.rank == newRank
      element.pointee.deadlineLinks.rank = newRank
      if top == nil ? isUnchanged : element == top { return }
      current = node(element.pointee.deadlineLinks.parent)
    }
  }
}
