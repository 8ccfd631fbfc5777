import Core
import Testing

/// An entry of the tests' tables.
private final class Entry: DirectoryTableEntry {
  let text: StaticStringMemory
  let nameHash: UInt32
  var links = DirectoryTableLinks<Entry>()
  let onEnd: () -> Void

  init(_ text: String, onEnd: @escaping () -> Void = {}) {
    self.text = StaticStringMemory(text)
    nameHash = NameHash.of(self.text.view)
    self.onEnd = onEnd
  }

  deinit { onEnd() }

  var name: ByteView { text.view }
}

/// Bytes that stay where they are.
private final class StaticStringMemory {
  private let memory: UnsafeMutableRawBufferPointer

  init(_ text: String) {
    memory = .allocate(byteCount: max(text.utf8.count, 1), alignment: 1)
    memory.copyBytes(from: text.utf8)
    count = text.utf8.count
  }

  let count: Int

  deinit { memory.deallocate() }

  var view: ByteView { ByteView(base: UnsafeRawPointer(memory.baseAddress!), count: count) }
}

@Suite struct DirectoryTableTests {
  private static func allocate(_ count: Int) -> UnsafeMutableRawPointer? { .allocate(byteCount: count, alignment: 16) }

  @Test(arguments: [0, 1, 8, 9, 17, 1000], [true, false])
  func entriesAreFoundUntilTheyAreRemoved(count: Int, hasMemory: Bool) {
    var table = DirectoryTable<Entry>()
    let entries = (0..<count).map { Entry("name-\($0)") }
    for entry in entries { table.insert(entry, allocate: hasMemory ? Self.allocate : { _ in nil }) }
    let inserted = table.count
    #expect(inserted == count)
    for entry in entries {
      let found = table.find(entry.name)
      #expect(found === entry)
    }
    let missing = StaticStringMemory("name-\(count)")
    let notFound = table.find(missing.view)
    #expect(notFound == nil)
    for (index, entry) in entries.enumerated() where index % 3 != 0 { table.remove(entry) }
    for (index, entry) in entries.enumerated() {
      let found = table.find(entry.name)
      #expect(found === (index % 3 == 0 ? entry : nil))
    }
    for (index, entry) in entries.enumerated() where index % 3 == 0 { table.remove(entry) }
    let isEmpty = table.isEmpty
    #expect(isEmpty)
  }

  @Test func listingGoesOnWhereItWasThoughEntriesGo() {
    var table = DirectoryTable<Entry>()
    let entries = (0..<20).map { Entry("\($0)") }
    for entry in entries { table.insert(entry, allocate: Self.allocate) }
    var seen: [Int] = []
    var position = Int64.max
    while let entry = table.newest(below: position) {
      position = entry.links.position
      seen.append(entries.firstIndex { $0 === entry }!)
      table.remove(entry)
      // One that has not been seen goes, and one comes, which is not seen.
      if seen.count == 5 {
        table.remove(entries[10])
        table.insert(Entry("late"), allocate: Self.allocate)
        break
      }
    }
    #expect(seen == [19, 18, 17, 16, 15])
    var rest = 0
    while let entry = table.newest(below: position) {
      position = entry.links.position
      rest += 1
    }
    #expect(rest == 14)
  }

  @Test func listingEndsThoughEachEntryIsPutBackAnew() {
    var table = DirectoryTable<Entry>()
    for number in 0..<20 { table.insert(Entry("\(number)"), allocate: Self.allocate) }
    var seen = 0
    var position = Int64.max
    while seen < 100, let entry = table.newest(below: position) {
      position = entry.links.position
      seen += 1
      table.remove(entry)
      table.insert(entry, allocate: Self.allocate)
    }
    #expect(seen == 20)
  }

  /// Several listings at once, each at its own position, while entries come and go: each entry that stays is seen once.
  @Test func listingsDoNotDisturbEachOther() {
    var table = DirectoryTable<Entry>()
    let entries = (0..<200).map { Entry("\($0)") }
    for entry in entries { table.insert(entry, allocate: Self.allocate) }
    var positions = [Int64](repeating: .max, count: 7)
    var counts = [[Int]](repeating: [Int](repeating: 0, count: 200), count: 7)
    var random = SystemRandomNumberGenerator()
    var gone = Set<Int>()
    for _ in 0..<4000 {
      let listing = Int.random(in: 0..<7, using: &random)
      if let entry = table.newest(below: positions[listing]) {
        positions[listing] = entry.links.position
        if let index = entries.firstIndex(where: { $0 === entry }) { counts[listing][index] += 1 }
      }
      let index = Int.random(in: 0..<200, using: &random)
      if index % 2 == 1, gone.insert(index).inserted { table.remove(entries[index]) }
      if index % 10 == 0 { table.insert(Entry("new"), allocate: Self.allocate) }
    }
    for listing in 0..<7 {
      while let entry = table.newest(below: positions[listing]) {
        positions[listing] = entry.links.position
        if let index = entries.firstIndex(where: { $0 === entry }) { counts[listing][index] += 1 }
      }
      for index in 0..<200 {
        if index % 2 == 0 { #expect(counts[listing][index] == 1) } else { #expect(counts[listing][index] <= 1) }
      }
    }
  }

  @Test func entriesLiveAsLongAsTheTableHasThem() {
    var ended = 0
    do {
      var table = DirectoryTable<Entry>()
      for number in 0..<30 { table.insert(Entry("\(number)") { ended += 1 }, allocate: Self.allocate) }
      #expect(ended == 0)
      table.remove(table.newest(below: .max)!)
      #expect(ended == 1)
    }
    #expect(ended == 30)
  }
}
