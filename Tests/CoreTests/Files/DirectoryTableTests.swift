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
    var position: Int64 = 0
    while let entry = table.first(from: position) {
      position = entry.links.position + 1
      seen.append(entries.firstIndex { $0 === entry }!)
      table.remove(entry)
      // One that has not been seen goes, and one comes.
      if seen.count == 5 {
        table.remove(entries[10])
        table.insert(Entry("late"), allocate: Self.allocate)
        break
      }
    }
    #expect(seen == [0, 1, 2, 3, 4])
    var rest = 0
    while let entry = table.first(from: position) {
      position = entry.links.position + 1
      rest += 1
    }
    #expect(rest == 15)
  }

  @Test func entriesLiveAsLongAsTheTableHasThem() {
    var ended = 0
    do {
      var table = DirectoryTable<Entry>()
      for number in 0..<30 { table.insert(Entry("\(number)") { ended += 1 }, allocate: Self.allocate) }
      #expect(ended == 0)
      table.remove(table.first(from: 0)!)
      #expect(ended == 1)
    }
    #expect(ended == 30)
  }
}
