import Core
import Testing

@Suite struct HeapSortTests {
  @Test func sortsListsOfAnyLength() {
    var random = SeededGenerator(seed: 11)
    for count in 0..<200 {
      var numbers = (0..<count).map { _ in UInt32(random.below(1 + count)) }
      let expected = numbers.sorted()
      numbers.withUnsafeMutableBufferPointer { HeapSort.sort($0) }
      #expect(numbers == expected)
    }
  }
}
