import Core
import Testing

@Suite struct InterProcessPermissionsTests {
  @Test func ownersGroupsAndOthersHaveTheirBitsAlone() {
    var permissions = InterProcessPermissions(user: 5, group: 50, mode: 0o1604)
    #expect(permissions.mode == 0o604)
    func grant(_ wanted: UInt32, _ user: UInt32, _ groups: Set<UInt32> = []) -> Bool {
      permissions.grant(wanted, to: user) { groups.contains($0) }
    }
    #expect(grant(0o666, 5))
    #expect(!grant(0o777, 5))
    #expect(grant(0o004, 9))
    #expect(grant(0o400, 9))
    #expect(!grant(0o222, 9))
    // A member of the group has what the group has, even if others have more.
    #expect(!grant(0o444, 9, [50]))
    #expect(grant(0, 9, [50]))
    let isSet = permissions.set(owner: 6, group: 60, mode: 0o7060)
    #expect(isSet && permissions.mode == 0o060)
    #expect(permissions.isOwner(5) && permissions.isOwner(6) && !permissions.isOwner(7))
    #expect(grant(0o444, 9, [50]) && grant(0o444, 9, [60]) && !grant(0o444, 6, [60]))
    let isSetToNobody = permissions.set(owner: .max, group: 60, mode: 0)
    #expect(!isSetToNobody && permissions.mode == 0o060)
  }
}

@Suite struct SemaphoreOperationsTests {
  /// Does operations on semaphores and adjustments that are given as arrays.
  static func perform(
    _ operations: [SemaphoreOperation], on values: inout [Int32], _ adjustments: inout [Int16]
  ) -> SemaphoreOutcome {
    var semaphores = values.map { Semaphore(value: $0) }
    let outcome = operations.withUnsafeBufferPointer { operations in
      semaphores.withUnsafeMutableBufferPointer { semaphores in
        adjustments.withUnsafeMutableBufferPointer {
          SemaphoreOperations.perform(operations, on: semaphores, adjustments: $0.baseAddress, process: 3)
        }
      }
    }
    values = semaphores.map(\.value)
    return outcome
  }

  /// Random arrays of operations against a model that works on copies.
  @Test func arraysAreDoneInOrderAndWholeOrNotAtAll() {
    var generator = SeededGenerator(seed: 11)
    var values: [Int32] = [0, 1, 32767, 5]
    var adjustments: [Int16] = [0, -32768, 32767, 3]
    var seen: Set<String> = []
    for _ in 0..<20_000 {
      let operations = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
        SemaphoreOperation(
          number: UInt16.random(in: 0..<4, using: &generator),
          change: Int16.random(in: -3...3, using: &generator),
          flags: (Bool.random(using: &generator) ? SemaphoreOperation.noWait : 0)
            | (Bool.random(using: &generator) ? SemaphoreOperation.undo : 0))
      }
      var expected = values
      var expectedAdjustments = adjustments
      var outcome = SemaphoreOutcome.done
      for (index, operation) in operations.enumerated() {
        let number = Int(operation.number)
        let sum = expected[number] + Int32(operation.change)
        let adjustment = Int32(expectedAdjustments[number]) - Int32(operation.change)
        let isUndone = operation.flags & SemaphoreOperation.undo != 0
        if sum < 0 || operation.change == 0 && expected[number] != 0 {
          outcome = operation.flags & SemaphoreOperation.noWait != 0 ? .failed(.tryAgain) : .waits(index)
        } else if sum > 32767 || isUndone && (adjustment < -32768 || adjustment > 32767) {
          outcome = .failed(.outOfRange)
        }
        if outcome != .done { break }
        expected[number] = sum
        if isUndone { expectedAdjustments[number] = Int16(adjustment) }
      }
      if outcome != .done {
        expected = values
        expectedAdjustments = adjustments
      }
      let actual = Self.perform(operations, on: &values, &adjustments)
      #expect(actual == outcome && values == expected && adjustments == expectedAdjustments)
      seen.insert(String("\(outcome)".prefix(16)))
    }
    #expect(seen.count >= 4)
  }

  @Test func othersMayGoOnAfterAnAdditionOrAZero() {
    var semaphores = [Semaphore(value: 0), Semaphore(value: 2)]
    func may(_ operations: [SemaphoreOperation]) -> Bool {
      operations.withUnsafeBufferPointer { operations in
        semaphores.withUnsafeMutableBufferPointer { SemaphoreOperations.mayLetOthersGoOn(operations, on: $0) }
      }
    }
    #expect(may([SemaphoreOperation(number: 1, change: 1)]))
    #expect(may([SemaphoreOperation(number: 0, change: -1)]))
    #expect(!may([SemaphoreOperation(number: 1, change: -1), SemaphoreOperation(number: 0, change: 0)]))
  }
}

@Suite struct MessageSelectionTests {
  static func find(_ types: [Int64], _ type: Int64, _ flags: UInt64 = 0) -> Int? {
    MessageSelection(type: type, flags: flags).find(
      from: types.isEmpty ? nil : 0, next: { $0 + 1 < types.count ? $0 + 1 : nil }, type: { types[$0] })
  }

  @Test func typesChooseMessages() {
    let types: [Int64] = [5, 3, .max, 2, 3, 2]
    #expect(Self.find([], 0) == nil)
    #expect(Self.find(types, 0) == 0)
    #expect(Self.find(types, 3) == 1)
    #expect(Self.find(types, 4) == nil)
    #expect(Self.find(types, 5, MessageSelection.except) == 1)
    #expect(Self.find(types, -4) == 3)
    #expect(Self.find(types, -1) == nil)
    #expect(Self.find(types, .min) == 3)
    #expect(Self.find([7, 1, 1], -9) == 1)
    #expect(Self.find(types, 2, MessageSelection.copy) == 2)
    #expect(Self.find(types, 6, MessageSelection.copy) == nil)
    #expect(Self.find(types, -1, MessageSelection.copy) == nil)
  }
}
