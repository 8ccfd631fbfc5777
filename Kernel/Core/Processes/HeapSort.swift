/// Sorting by a heap in the elements' own place: the library's `sort` allocates, and an allocation that fails there
/// could not be answered by an error.
public enum HeapSort {
  /// Sorts ascending, in n log n steps.
  public static func sort(_ elements: UnsafeMutableBufferPointer<UInt32>) {
    for root in stride(from: elements.count / 2 - 1, through: 0, by: -1) { sink(root, in: elements, elements.count) }
    for end in stride(from: elements.count - 1, to: 0, by: -1) {
      elements.swapAt(0, end)
      sink(0, in: elements, end)
    }
  }

  /// Has an element take its place among the first `count`, of which those below it are a heap.
  private static func sink(_ start: Int, in elements: UnsafeMutableBufferPointer<UInt32>, _ count: Int) {
    var parent = start
    while parent * 2 + 1 < count {
      var child = parent * 2 + 1
      if child + 1 < count, elements[child + 1] > elements[child] { child += 1 }
      if elements[child] <= elements[parent] { return }
      elements.swapAt(parent, child)
      parent = child
    }
  }
}
