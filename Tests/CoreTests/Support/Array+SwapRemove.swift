extension Array {
  /// Removes an element in constant time; the last one takes its place.
  mutating func swapRemove(at index: Int) -> Element {
    swapAt(index, count - 1)
    return removeLast()
  }
}
