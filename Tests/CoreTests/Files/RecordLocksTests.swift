import Core
import Testing

@Suite struct RecordLocksTests {
  static func record(
    _ owner: UInt64, _ kind: RecordLocks.Kind, _ range: ClosedRange<Int64>
  ) -> RecordLocks.Record {
    RecordLocks.Record(owner: owner, process: 1, kind: kind, start: range.lowerBound, last: range.upperBound)
  }

  @Test func exclusiveLocksExcludeAndSharedOnesShare() {
    var locks = RecordLocks()
    locks.set(Self.record(1, .shared, 10...19))
    #expect(locks.conflict(with: Self.record(2, .shared, 15...15)) == nil)
    #expect(locks.conflict(with: Self.record(2, .exclusive, 19...30))?.owner == 1)
    #expect(locks.conflict(with: Self.record(2, .exclusive, 20...30)) == nil)
    #expect(locks.conflict(with: Self.record(1, .exclusive, 0...99)) == nil)
    locks.set(Self.record(2, .exclusive, 30...Int64.max))
    #expect(locks.conflict(with: Self.record(3, .shared, 5...100))?.owner == 2)
    #expect(locks.conflict(with: Self.record(3, .exclusive, 5...100))?.start == 10)
  }

  @Test func locksOfOneOwnerReplaceMergeAndSplit() {
    var locks = RecordLocks()
    locks.set(Self.record(1, .exclusive, 0...9))
    locks.set(Self.record(1, .exclusive, 10...19))
    #expect(locks.records == [Self.record(1, .exclusive, 0...19)])
    locks.set(Self.record(1, .shared, 5...6))
    #expect(
      locks.records.sorted { $0.start < $1.start } == [
        Self.record(1, .exclusive, 0...4), Self.record(1, .shared, 5...6), Self.record(1, .exclusive, 7...19),
      ])
    let isUnlocked = locks.unlock(owner: 1, start: 3, last: 10)
    #expect(isUnlocked)
    #expect(
      locks.records.sorted { $0.start < $1.start } == [
        Self.record(1, .exclusive, 0...2), Self.record(1, .exclusive, 11...19),
      ])
    let isUnlockedByAnother = locks.unlockAll(owner: 2)
    #expect(!isUnlockedByAnother)
    locks.unlockAll(owner: 1)
    #expect(locks.isEmpty)
  }

  /// Random operations against a table with an entry for each byte.
  @Test func locksAgreeWithATableOfBytes() {
    var locks = RecordLocks()
    var bytes = [[RecordLocks.Kind?]](repeating: Array(repeating: nil, count: 32), count: 3)
    var state: UInt64 = 42
    func random(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    for _ in 0..<5000 {
      let owner = random(3)
      let start = random(32)
      let last = start + random(32 - start)
      if random(3) == 0 {
        locks.unlock(owner: UInt64(owner + 1), start: Int64(start), last: Int64(last))
        for index in start...last { bytes[owner][index] = nil }
        continue
      }
      let kind: RecordLocks.Kind = random(2) == 0 ? .shared : .exclusive
      let wanted = Self.record(UInt64(owner + 1), kind, Int64(start)...Int64(last))
      let isExpectedToConflict = (0..<3).contains { other in
        other != owner
          && (start...last).contains { index in
            bytes[other][index].map { $0 == .exclusive || kind == .exclusive } ?? false
          }
      }
      #expect((locks.conflict(with: wanted) != nil) == isExpectedToConflict)
      if isExpectedToConflict { continue }
      locks.set(wanted)
      for index in start...last { bytes[owner][index] = kind }
      for (owner, expected) in bytes.enumerated() {
        var actual = [RecordLocks.Kind?](repeating: nil, count: 32)
        for record in locks.records where record.owner == UInt64(owner + 1) {
          for index in record.start...record.last { actual[Int(index)] = record.kind }
        }
        #expect(actual == expected)
      }
    }
  }

  @Test func rangesFollowTheManualPage() throws {
    #expect(try RecordLocks.range(start: 5, length: 10, base: 100) == (105, 114))
    #expect(try RecordLocks.range(start: 5, length: 0, base: 0) == (5, .max))
    #expect(try RecordLocks.range(start: 10, length: -4, base: 0) == (6, 9))
    #expect(throws: Errno.invalid) { try RecordLocks.range(start: -1, length: 1, base: 0) }
    #expect(throws: Errno.invalid) { try RecordLocks.range(start: 3, length: -4, base: 0) }
    #expect(throws: Errno.overflow) { try RecordLocks.range(start: .max, length: 1, base: 1) }
    #expect(throws: Errno.overflow) { try RecordLocks.range(start: .max, length: 2, base: 0) }
  }

  @Test func ownersPermissionsCountAloneForTheOwner() {
    let mode = FileMode.regular.with(permissions: 0o074)
    #expect(!FileAccess.read.isGranted(by: mode, isOwner: true) { true })
    #expect(FileAccess([.read, .write, .execute]).isGranted(by: mode, isOwner: false) { true })
    #expect(FileAccess.read.isGranted(by: mode, isOwner: false) { false })
    #expect(!FileAccess.write.isGranted(by: mode, isOwner: false) { false })
    #expect(!FileAccess.execute.isGrantedToPrivileged(by: .regular.with(permissions: 0o600)))
    #expect(FileAccess.execute.isGrantedToPrivileged(by: .directory))
  }
}
