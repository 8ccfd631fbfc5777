@testable import Core
import Testing

private struct Waiter: FutexQueued {
  let number: Int
  var futexLinks = FutexLinks()
}

private final class Waiters {
  let records: UnsafeMutablePointer<Waiter>
  init(count: Int) {
    records = .allocate(capacity: count)
    for index in 0..<count { (records + index).initialize(to: Waiter(number: index)) }
  }
  deinit { records.deallocate() }
  subscript(index: Int) -> UnsafeMutablePointer<Waiter> { records + index }
}

@Suite struct FutexQueueTests {
  private let here = FutexKey(space: 0x1000, address: 0x5000)
  private let there = FutexKey(space: 0x1000, address: 0x5004)

  private func wake(
    _ queue: inout FutexQueue<Waiter>, _ key: FutexKey, bits: UInt32 = .max, limit: Int
  ) throws -> [Int] {
    var woken: [Int] = []
    let count = try queue.wake(key, bits: bits, limit: limit) { woken.append($0.pointee.number) }
    #expect(count == woken.count)
    return woken
  }

  @Test func waitersOfAWordAreWokenInTheOrderInWhichTheyCame() throws {
    let waiters = Waiters(count: 5)
    var queue = FutexQueue<Waiter>()
    for index in 0..<5 { queue.append(waiters[index], key: index == 1 ? there : here) }
    #expect(try wake(&queue, here, limit: 2) == [0, 2])
    #expect(try wake(&queue, here, limit: 0) == [3], "one at least")
    #expect(try wake(&queue, here, limit: 9) == [4])
    #expect(try wake(&queue, here, limit: 9) == [])
    #expect(waiters[1].pointee.futexLinks.isQueued)
    #expect(!waiters[4].pointee.futexLinks.isQueued)
    #expect(try wake(&queue, there, limit: 9) == [1])
  }

  @Test func onlyWaitersWithABitInCommonAreWoken() throws {
    let waiters = Waiters(count: 3)
    var queue = FutexQueue<Waiter>()
    queue.append(waiters[0], key: here, bits: 1)
    queue.append(waiters[1], key: here, bits: 2)
    queue.append(waiters[2], key: here, bits: 3)
    #expect(try wake(&queue, here, bits: 4, limit: 9) == [])
    #expect(try wake(&queue, here, bits: 2, limit: 1) == [1])
    #expect(try wake(&queue, here, bits: 2, limit: 9) == [2])
  }

  @Test func requeueMovesThoseThatItDoesNotWake() throws {
    let waiters = Waiters(count: 4)
    let queues = UnsafeMutablePointer<FutexQueue<Waiter>>.allocate(capacity: 2)
    queues.initialize(repeating: FutexQueue<Waiter>(), count: 2)
    defer { queues.deallocate() }
    for index in 0..<4 { queues[0].append(waiters[index], key: here) }
    var woken: [Int] = []
    var moved: [Int] = []
    let count = try FutexQueue.requeue(
      here, on: queues, to: there, on: queues + 1, bucket: 1, wakeLimit: 1, moveLimit: 2,
      moved: { moved.append($0.pointee.number) }
    ) { woken.append($0.pointee.number) }
    #expect(count == 3)
    #expect(woken == [0])
    #expect(moved == [1, 2])
    #expect(waiters[1].pointee.futexLinks.bucket == 1)
    #expect(waiters[3].pointee.futexLinks.bucket == 0)
    #expect(try wake(&queues[1], there, limit: 9) == [1, 2])
    #expect(try wake(&queues[0], here, limit: 9) == [3])
  }

  @Test func requeueWithinOneQueueChangesTheKey() throws {
    let waiters = Waiters(count: 2)
    let queue = UnsafeMutablePointer<FutexQueue<Waiter>>.allocate(capacity: 1)
    queue.initialize(to: FutexQueue<Waiter>())
    defer { queue.deallocate() }
    for index in 0..<2 { queue.pointee.append(waiters[index], key: here) }
    let count = try FutexQueue.requeue(
      here, on: queue, to: there, on: queue, bucket: 0, wakeLimit: 0, moveLimit: 9
    ) { _ in }
    #expect(count == 2)
    #expect(queue.pointee.firstWaiter(for: here) == nil)
    #expect(try wake(&queue.pointee, there, limit: 9) == [0, 1])
  }

  private func requeueToLock(
    _ queues: UnsafeMutablePointer<FutexQueue<Waiter>>, owner: UInt32, limit: Int
  ) -> FutexQueue<Waiter>.LockRequeue {
    FutexQueue.requeue(here, on: queues, toLock: there, of: owner, on: queues + 1, bucket: 1, limit: limit) {
      UInt32($0.pointee.number) == owner
    }
  }

  @Test func whoAwaitsARequeueIsMovedToTheLockAndWokenByNothingElse() throws {
    let waiters = Waiters(count: 4)
    let queues = UnsafeMutablePointer<FutexQueue<Waiter>>.allocate(capacity: 2)
    queues.initialize(repeating: FutexQueue<Waiter>(), count: 2)
    defer { queues.deallocate() }
    for index in 0..<3 { queues[0].append(waiters[index], key: here, target: there) }
    #expect(throws: FutexQueue<Waiter>.Mixture.self) { try wake(&queues[0], here, limit: 1) }
    #expect(throws: FutexQueue<Waiter>.Mixture.self) {
      try FutexQueue.requeue(
        here, on: queues, to: there, on: queues + 1, bucket: 1, wakeLimit: 0, moveLimit: 9
      ) { _ in }
    }
    #expect(requeueToLock(queues, owner: 7, limit: 2).moved == 2)
    #expect(queues[1].firstWaiter(forLockOf: 7) == waiters[0])
    #expect(waiters[0].pointee.futexLinks.bucket == 1)
    #expect(!waiters[0].pointee.futexLinks.awaitsRequeue && waiters[2].pointee.futexLinks.awaitsRequeue)
    #expect(queues[0].firstWaiter(for: here) == waiters[2])
    #expect(requeueToLock(queues, owner: 7, limit: 9) == FutexQueue<Waiter>.LockRequeue(moved: 1))
    #expect(requeueToLock(queues, owner: 7, limit: 9).moved == 0)
  }

  @Test func requeueToALockEndsWhereAWaiterDoesNotFit() {
    let waiters = Waiters(count: 4)
    let queues = UnsafeMutablePointer<FutexQueue<Waiter>>.allocate(capacity: 2)
    queues.initialize(repeating: FutexQueue<Waiter>(), count: 2)
    defer { queues.deallocate() }
    queues[0].append(waiters[0], key: here, priority: 9, target: there)
    queues[0].append(waiters[1], key: here, target: there)
    queues[0].append(waiters[2], key: here)
    // The second is the owner itself, then comes one that waits for no lock, then one for another.
    let first = requeueToLock(queues, owner: 1, limit: 9)
    #expect(first.moved == 1 && first.hasPriority && first.isDeadlock && !first.isMixture)
    queues[0].remove(waiters[1])
    #expect(requeueToLock(queues, owner: 7, limit: 9).isMixture)
    queues[0].remove(waiters[2])
    queues[0].append(waiters[3], key: here, target: FutexKey(space: 0x1000, address: 0x5008))
    #expect(requeueToLock(queues, owner: 7, limit: 9).isMixture)
    #expect(requeueToLock(queues, owner: 7, limit: 0) == FutexQueue<Waiter>.LockRequeue())
  }

  @Test func plainWakeOfAPriorityLockIsAnError() {
    let waiters = Waiters(count: 1)
    var queue = FutexQueue<Waiter>()
    queue.append(waiters[0], key: here, owner: 7)
    #expect(throws: FutexQueue<Waiter>.Mixture.self) { try wake(&queue, here, limit: 1) }
    #expect(queue.firstWaiter(forLockOf: 7) == waiters[0])
    #expect(queue.firstWaiter(forLockOf: 8) == nil)
    queue.setOwner(8, for: here)
    #expect(queue.firstWaiter(forLockOf: 8) == waiters[0])
  }

  @Test func whoHasBeenGivenALockWaitsForNobodyAndTheOthersForHim() {
    let waiters = Waiters(count: 3)
    var queue = FutexQueue<Waiter>()
    for index in 0..<3 { queue.append(waiters[index], key: index == 1 ? there : here, owner: 7) }
    queue.handOver(to: waiters[0], 8)
    #expect(!waiters[0].pointee.futexLinks.isQueued)
    #expect((0..<3).map { waiters[$0].pointee.futexLinks.owner } == [0, 7, 8])
  }
}

@Suite struct FutexOperationTests {
  @Test func flagsAreTakenApart() {
    #expect(FutexOperation(0x80)?.command == .wait)
    #expect(FutexOperation(0x80)?.isPrivate == true)
    #expect(FutexOperation(9 | 0x100)?.usesWallClock == true)
    #expect(FutexOperation(6)?.usesWallClock == true)
    #expect(FutexOperation(13)?.usesWallClock == false)
    #expect(FutexOperation(0x100) == nil, "FUTEX_WAIT has no wall clock")
    #expect(FutexOperation(11 | 0x180)?.command == .waitForRequeue)
    #expect(FutexOperation(12 | 0x100) == nil)
    #expect(FutexOperation(2) == nil)
    #expect(FutexOperation(0x200) == nil)
  }

  /// FUTEX_OP(op, oparg, cmp, cmparg)
  private func encode(_ op: UInt32, _ oparg: UInt32, _ cmp: UInt32, _ cmparg: UInt32) -> UInt32 {
    (op & 15) << 28 | (cmp & 15) << 24 | (oparg & 0xFFF) << 12 | cmparg & 0xFFF
  }

  @Test func wakeOperationChangesTheWord() {
    #expect(FutexWakeOperation(encoded: encode(0, 5, 0, 0)).apply(to: 9) == 5)
    #expect(FutexWakeOperation(encoded: encode(1, 0xFFF, 0, 0)).apply(to: 9) == 8, "operands have a sign")
    #expect(FutexWakeOperation(encoded: encode(2, 6, 0, 0)).apply(to: 9) == 15)
    #expect(FutexWakeOperation(encoded: encode(3, 8, 0, 0)).apply(to: 9) == 1)
    #expect(FutexWakeOperation(encoded: encode(4, 1, 0, 0)).apply(to: 9) == 8)
    #expect(FutexWakeOperation(encoded: encode(8, 4, 0, 0)).apply(to: 0) == 16, "an operand as a shift")
    let operations = (0..<8 as Range<UInt32>).map { FutexWakeOperation(encoded: encode($0, 0, 0, 0)).hasOperation }
    #expect(operations == [true, true, true, true, true, false, false, false])
    let unknown = FutexWakeOperation(encoded: encode(1, 3, 6, 0))
    #expect(unknown.hasOperation && !unknown.hasComparison && unknown.apply(to: 1) == 4)
    #expect(FutexWakeOperation(encoded: encode(0, 0, 5, 0)).hasComparison)
  }

  @Test func wakeOperationComparesTheOldValueWithSign() {
    #expect(FutexWakeOperation(encoded: encode(0, 0, 0, 3)).isFulfilled(by: 3) == true)
    #expect(FutexWakeOperation(encoded: encode(0, 0, 1, 3)).isFulfilled(by: 3) == false)
    #expect(FutexWakeOperation(encoded: encode(0, 0, 2, 0)).isFulfilled(by: .max) == true)
    #expect(FutexWakeOperation(encoded: encode(0, 0, 3, 0xFFF)).isFulfilled(by: .max) == true)
    #expect(FutexWakeOperation(encoded: encode(0, 0, 4, 0)).isFulfilled(by: 1) == true)
    #expect(FutexWakeOperation(encoded: encode(0, 0, 5, 2)).isFulfilled(by: 1) == false)
  }

  @Test func wordsOfOtherSizesAreRefused() {
    for (flags, isValid) in [(2, true), (130, true), (0, false), (128, false), (3, false), (258, false)] as [(UInt32, Bool)] {
      var entry = FutexVectorEntry()
      entry.flags = flags
      #expect(entry.isValid == isValid)
      entry.reserved = 1
      #expect(!entry.isValid)
    }
  }

  @Test func lockWordDecides() {
    #expect(FutexLockWord(0).lock(by: 5, othersWaitFor: nil) == .take(5))
    #expect(FutexLockWord(0x4000_0000).lock(by: 5, othersWaitFor: nil, leavesWaiters: true) == .take(0xC000_0005))
    #expect(FutexLockWord(5).lock(by: 5, othersWaitFor: nil) == .deadlock)
    #expect(FutexLockWord(6).lock(by: 5, othersWaitFor: nil) == .wait(0x8000_0006, owner: 6))
    #expect(FutexLockWord(0x8000_0006).handedOver(to: 5) == 0x8000_0005)
    #expect(FutexLockWord(0x8000_0006).abandoned(by: 6) == 0xC000_0000)
    #expect(FutexLockWord(6).abandoned(by: 5) == nil)
  }

  @Test func aLockForWhichOthersWaitIsNotTakenFromThem() {
    #expect(FutexLockWord(0x8000_0006).lock(by: 5, othersWaitFor: 6) == .wait(0x8000_0006, owner: 6))
    // Its owner has ended, and not handed it over yet.
    #expect(FutexLockWord(0xC000_0000).lock(by: 5, othersWaitFor: 6) == .wait(0xC000_0000, owner: 6))
    #expect(FutexLockWord(0xC000_0000).lock(by: 6, othersWaitFor: 6) == .deadlock)
    // The program has changed the word.
    for value in [0, 0x8000_0000, 7, 0xC000_0007] as [UInt32] {
      #expect(FutexLockWord(value).lock(by: 5, othersWaitFor: 6) == .contradiction)
    }
  }

  @Test func ownersAreFollowedToWhomeverTheyWaitFor() {
    let next: [UInt32: UInt32] = [1: 2, 2: 3, 3: 0, 4: 5, 5: 4, 6: 9]
    let chain = FutexOwnerChain(from: 1) { next[$0] }
    #expect((0..<6).filter { chain.contains($0) } == [1, 2, 3])
    // A circle of others, a thread that has ended, and nobody.
    #expect(FutexOwnerChain(from: 4) { next[$0] }.contains(5))
    #expect(!FutexOwnerChain(from: 4) { next[$0] }.contains(1))
    #expect(FutexOwnerChain(from: 6) { next[$0] }.contains(6))
    #expect(FutexOwnerChain(from: 9) { next[$0] }.isEmpty)
    #expect(!FutexOwnerChain(from: 3) { next[$0] }.isEmpty)
    #expect(FutexOwnerChain(from: 1) { $0 + 1 }.contains(UInt32(FutexOwnerChain.limit)))
    #expect(!FutexOwnerChain(from: 1) { $0 + 1 }.contains(UInt32(FutexOwnerChain.limit) + 1))
  }
}
