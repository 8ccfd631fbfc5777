import Core
import Testing

@Suite struct IdentifierSequenceTests {
  static func identifier(_ sequence: Int32, _ place: Int32) -> Int32 { sequence << 15 | place }

  @Test func placesAreGivenOutInTurnAndSequenceNumbersTellTheirUsersApart() {
    var sequence = IdentifierSequence()
    for place in 0..<64 {
      #expect(sequence.allocate(limit: 4096) { _ in false } == Int32(place))
      sequence.release()
    }
    // The turn begins anew behind the place that is in use.
    let first = sequence.allocate(limit: 4096) { $0 == 0 }
    #expect(first == Self.identifier(1, 1))
    #expect(IdentifierSequence.place(of: first!) == 1)
    #expect(IdentifierSequence.sequence(of: first!) == 1)
  }

  @Test func turnsGrowWithTheNumberOfObjects() {
    var sequence = IdentifierSequence()
    var taken: Set<Int> = []
    for count in 0..<1000 {
      let identifier = sequence.allocate(limit: 1000) { taken.contains($0) }!
      let place = IdentifierSequence.place(of: identifier)
      #expect(place <= max(count * 3 / 2, 64))
      let isNew = taken.insert(place).inserted
      #expect(isNew)
    }
    #expect(sequence.count == 1000)
    #expect(sequence.allocate(limit: 1000) { taken.contains($0) } == nil)
    #expect(sequence.count == 1000)
  }

  @Test func identifiersAreNotRepeatedForLong() {
    var sequence = IdentifierSequence()
    var seen: Set<Int32> = []
    for _ in 0..<100_000 {
      let identifier = sequence.allocate(limit: 4) { _ in false }!
      let isNew = seen.insert(identifier).inserted
      #expect(isNew && identifier >= 0)
      sequence.release()
    }
  }

  @Test func aWishedIdentifierIsGivenOnce() {
    var sequence = IdentifierSequence()
    sequence.wish = Self.identifier(7, 9)
    #expect(sequence.allocate(limit: 4096) { _ in false } == Self.identifier(7, 9))
    #expect(sequence.wish == -1)
    #expect(sequence.allocate(limit: 4096) { $0 == 9 } == 0)
    // The next free place where it is taken.
    sequence.wish = Self.identifier(7, 9)
    #expect(sequence.allocate(limit: 4096) { $0 == 9 || $0 == 0 } == Self.identifier(7, 10))
  }
}
