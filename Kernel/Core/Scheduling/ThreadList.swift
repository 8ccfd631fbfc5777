/// A doubly linked list through the scheduling entities of its elements. Owns nothing and allocates nothing.
struct ThreadList<Element: Schedulable> {
  private(set) var first: UnsafeMutablePointer<Element>?
  private(set) var last: UnsafeMutablePointer<Element>?

  @inline(__always)
  init() {
    first = nil
    last = nil
  }

  @inline(__always)
  mutating func append(_ element: UnsafeMutablePointer<Element>) {
    element.pointee.scheduling.next = nil
    element.pointee.scheduling.previous = UnsafeMutableRawPointer(last)
    if let last {
      last.pointee.scheduling.next = UnsafeMutableRawPointer(element)
    } else {
      first = element
    }
    last = element
  }

  @inline(__always)
  mutating func prepend(_ element: UnsafeMutablePointer<Element>) {
    element.pointee.scheduling.previous = nil
    element.pointee.scheduling.next = UnsafeMutableRawPointer(first)
    if let first {
      first.pointee.scheduling.previous = UnsafeMutableRawPointer(element)
    } else {
      last = element
    }
    first = element
  }

  /// Unlinks an element, which must be on this list.
  @inline(__always)
  mutating func remove(_ element: UnsafeMutablePointer<Element>) {
    let next = Self.next(of: element)
    let previous = Self.previous(of: element)
    if let previous {
      previous.pointee.scheduling.next = UnsafeMutableRawPointer(next)
    } else {
      first = next
    }
    if let next {
      next.pointee.scheduling.previous = UnsafeMutableRawPointer(previous)
    } else {
      last = previous
    }
  }

  @inline(__always)
  static func next(of element: UnsafeMutablePointer<Element>) -> UnsafeMutablePointer<Element>? {
    element.pointee.scheduling.next?.assumingMemoryBound(to: Element.self)
  }

  @inline(__always)
  static func previous(of element: UnsafeMutablePointer<Element>) -> UnsafeMutablePointer<Element>? {
    element.pointee.scheduling.previous?.assumingMemoryBound(to: Element.self)
  }
}
