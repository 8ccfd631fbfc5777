import Core

/// What the benchmark has measured: names with a number each, in the order in which they came.
struct BenchFigures {
  struct Figure {
    var name: Message
    var value: UInt64
  }

  static var capacity: Int { 96 }
  private let memory: UnsafeMutablePointer<Figure>
  private(set) var count = 0

  /// - Returns: nil when memory is out.
  init?() {
    guard
      let memory = KernelHeap.allocate(
        size: Self.capacity * MemoryLayout<Figure>.stride, alignment: MemoryLayout<Figure>.alignment)
    else { return nil }
    self.memory = memory.bindMemory(to: Figure.self, capacity: Self.capacity)
  }

  /// Gives the memory back.
  func deallocate() { KernelHeap.deallocate(memory) }

  mutating func add(_ name: Message, _ value: UInt64) {
    if count == Self.capacity { panic("the benchmark measures more than it has room for") }
    (memory + count).initialize(to: Figure(name: name, value: value))
    count += 1
  }

  /// The figure of that name, or nil.
  func value(of name: StaticString) -> UInt64? {
    for index in 0..<count where memory[index].name.equals(name) { return memory[index].value }
    return nil
  }

  func forEach(_ body: (Figure) -> Void) {
    for index in 0..<count { body(memory[index]) }
  }
}

extension Message {
  func equals(_ text: StaticString) -> Bool {
    if count != text.utf8CodeUnitCount { return false }
    for index in 0..<count where self[index] != text.utf8Start[index] { return false }
    return true
  }
}
