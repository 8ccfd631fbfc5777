import Core
import Testing

/// Gives nodes, counts them, and runs out where it is told to.
private final class Nodes {
  var count = 0
  var limit = Int.max

  func allocate() -> UnsafeMutableRawPointer? {
    if count == limit { return nil }
    count += 1
    let memory = UnsafeMutableRawPointer.allocate(byteCount: PageTree.nodeSizeInBytes, alignment: 8)
    memory.initializeMemory(as: UInt8.self, repeating: 0xEE, count: PageTree.nodeSizeInBytes)
    return memory
  }

  func insert(_ value: UInt64, at page: UInt64, into tree: inout PageTree) -> Bool {
    tree.insert(value, at: page, allocate: allocate)
  }

  func free(_ node: UnsafeMutableRawPointer) {
    count -= 1
    node.deallocate()
  }
}

@Suite struct PageTreeTests {
  private static func randomPage(_ random: inout SeededGenerator) -> UInt64 {
    // Small numbers mostly, at the edges of each height else.
    if random.below(3) > 0 { return UInt64(random.below(200)) }
    let edge = UInt64(1) << UInt64(6 * random.below(10))
    return min(edge &- 2 &+ UInt64(random.below(4)), PageTree.limit - 1)
  }

  @Test func agreesWithADictionary() {
    var random = SeededGenerator(seed: 7)
    let nodes = Nodes()
    var tree = PageTree()
    var model: [UInt64: UInt64] = [:]
    for step in 1...20_000 {
      // Trees of the lowest heights are the rarest otherwise: it starts empty again and again.
      if random.below(20) == 0 {
        tree.remove(0..<PageTree.limit) { _, _ in } free: { nodes.free($0) }
        model = [:]
      }
      switch random.below(4) {
      case 0, 1:
        let page = Self.randomPage(&random)
        let isInserted = tree.insert(UInt64(step), at: page, allocate: nodes.allocate)
        #expect(isInserted == (model[page] == nil))
        if isInserted { model[page] = UInt64(step) }
      case 2:
        let start = Self.randomPage(&random)
        let end = random.below(10) == 0 ? PageTree.limit : start + UInt64(random.below(100))
        var removed: [UInt64] = []
        tree.remove(start..<max(start, end)) { page, value in
          #expect(model[page] == value)
          removed.append(page)
        } free: {
          nodes.free($0)
        }
        #expect(removed == model.keys.filter { $0 >= start && $0 < end }.sorted())
        for page in removed { model[page] = nil }
      default:
        let page = Self.randomPage(&random)
        #expect(tree.value(at: page) == model[page] ?? 0)
        #expect(tree.firstPage(from: page) == model.keys.filter { $0 >= page }.min())
      }
      #expect(tree.count == model.count)
    }
    tree.remove(0..<PageTree.limit) { _, _ in } free: { nodes.free($0) }
    #expect(tree.count == 0)
    #expect(nodes.count == 0)
  }

  @Test func valueOfTheFirstPageAloneTakesNoNode() {
    let nodes = Nodes()
    var tree = PageTree()
    #expect(nodes.insert(5, at: 0, into: &tree))
    #expect(nodes.count == 0)
    #expect(tree.value(at: 0) == 5)
    #expect(tree.value(at: 1) == 0)
    #expect(tree.value(at: .max) == 0)
  }

  @Test func removesNothingBeforeTheRangeFromATreeOfThePageAlone() {
    let nodes = Nodes()
    var tree = PageTree()
    #expect(nodes.insert(5, at: 0, into: &tree))
    tree.remove(1..<PageTree.limit) { page, _ in Issue.record("page \(page) is not in the range") } free: { nodes.free($0) }
    #expect(tree.value(at: 0) == 5)
    #expect(tree.count == 1)
    tree.remove(0..<1) { _, _ in } free: { nodes.free($0) }
    #expect(tree.value(at: 0) == 0)
    #expect(tree.count == 0)
  }

  @Test func survivesRunningOutOfNodes() {
    let nodes = Nodes()
    var tree = PageTree()
    #expect(nodes.insert(1, at: 0, into: &tree))
    for limit in 0..<8 {
      nodes.limit = limit
      #expect(!nodes.insert(2, at: 1 << 50, into: &tree))
      #expect(tree.value(at: 0) == 1)
      #expect(tree.value(at: 1 << 50) == 0)
      #expect(tree.count == 1)
    }
    nodes.limit = .max
    #expect(nodes.insert(2, at: 1 << 50, into: &tree))
    #expect(tree.value(at: 1 << 50) == 2)
    #expect(!nodes.insert(2, at: PageTree.limit, into: &tree))
    tree.remove(0..<PageTree.limit) { _, _ in } free: { nodes.free($0) }
    #expect(nodes.count == 0)
  }
}
