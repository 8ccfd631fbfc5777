@testable import Core
import Testing

private struct Sleeper: DeadlineQueued {
  let number: Int
  var deadlineLinks = DeadlineLinks()
}

private final class Sleepers {
  let records: UnsafeMutablePointer<Sleeper>
  init(count: Int) {
    records = .allocate(capacity: count)
    for index in 0..<count { (records + index).initialize(to: Sleeper(number: index)) }
  }
  deinit { records.deallocate() }
  subscript(index: Int) -> UnsafeMutablePointer<Sleeper> { records + index }
}

@Suite struct DeadlineQueueTests {
  @Test func sleepersExpireInTheOrderOfTheirDeadlines() {
    let sleepers = Sleepers(count: 4)
    var queue = DeadlineQueue<Sleeper>()
    #expect(queue.earliestDeadline == nil)
    #expect(queue.popExpired(now: .max) == nil)
    #expect(queue.insert(sleepers[0], deadline: 30) == true)
    #expect(queue.insert(sleepers[1], deadline: 10) == true)
    #expect(queue.insert(sleepers[2], deadline: 20) == false)
    #expect(queue.insert(sleepers[3], deadline: .max) == false)
    #expect(queue.earliestDeadline == 10)
    #expect(queue.popExpired(now: 9) == nil)
    #expect(queue.popExpired(now: 10) == sleepers[1])
    #expect(queue.popExpired(now: 30) == sleepers[2])
    #expect(queue.popExpired(now: 30) == sleepers[0])
    #expect(queue.popExpired(now: 30) == nil)
    #expect(queue.count == 1)
    #expect(queue.popExpired(now: .max) == sleepers[3])
  }

  @Test func sleeperMayBeWokenEarlyOnce() {
    let sleepers = Sleepers(count: 2)
    var queue = DeadlineQueue<Sleeper>()
    #expect(queue.remove(sleepers[0]) == false)
    queue.insert(sleepers[0], deadline: 5)
    queue.insert(sleepers[1], deadline: 5)
    #expect(sleepers[0].pointee.deadlineLinks.isQueued)
    #expect(queue.remove(sleepers[0]) == true)
    #expect(queue.remove(sleepers[0]) == false)
    #expect(!sleepers[0].pointee.deadlineLinks.isQueued)
    #expect(queue.popExpired(now: 5) == sleepers[1])
    #expect(queue.remove(sleepers[1]) == false)
    #expect(queue.count == 0)
  }

  @Test(arguments: [71, 72, 73] as [UInt64])
  func randomOperationsMatchTheModel(seed: UInt64) throws {
    let count = 100
    let sleepers = Sleepers(count: count)
    var random = SeededGenerator(seed: seed)
    var queue = DeadlineQueue<Sleeper>()
    var deadlines = [UInt64?](repeating: nil, count: count)
    var now: UInt64 = 0
    for step in 0..<10_000 {
      let filling = (step / 1000).isMultiple(of: 2)
      let thread = random.below(count)
      switch random.below(10) {
      case 0..<(filling ? 7 : 2):
        guard deadlines[thread] == nil else { continue }
        let deadline = now + UInt64(random.below(500))
        let isEarliest = queue.insert(sleepers[thread], deadline: deadline)
        let others = deadlines.compactMap { $0 }.min()
        if let others, deadline != others { #expect(isEarliest == (deadline < others)) }
        deadlines[thread] = deadline
      case 7:
        #expect(queue.remove(sleepers[thread]) == (deadlines[thread] != nil))
        deadlines[thread] = nil
      default:
        now += UInt64(random.below(20))
        let earliest = deadlines.compactMap { $0 }.min()
        let popped = queue.popExpired(now: now)
        #expect((popped != nil) == (earliest.map { $0 <= now } ?? false))
        if let popped {
          #expect(deadlines[popped.pointee.number] == earliest)
          deadlines[popped.pointee.number] = nil
        }
      }
      #expect(queue.count == deadlines.count { $0 != nil })
      try #require(queue.earliestDeadline == deadlines.compactMap { $0 }.min())
      try #require((0..<count).allSatisfy { isLeftist(sleepers[$0]) })
    }
  }

  /// What the logarithmic bound rests on, for each record after each operation.
  private func isLeftist(_ sleeper: UnsafeMutablePointer<Sleeper>) -> Bool {
    let links = sleeper.pointee.deadlineLinks
    guard links.isQueued else { return true }
    let children = [links.left, links.right].map { $0?.assumingMemoryBound(to: Sleeper.self) }
    let ranks = children.map { $0?.pointee.deadlineLinks.rank ?? 0 }
    return ranks[0] >= ranks[1] && links.rank == ranks[1] + 1
      && children.compactMap { $0 }.allSatisfy {
        $0.pointee.deadlineLinks.parent == UnsafeMutableRawPointer(sleeper)
          && $0.pointee.deadlineLinks.deadline >= links.deadline
      }
  }
}

/// Counts how often the queue touches the links of any record.
private struct CountingSleeper: DeadlineQueued {
  nonisolated(unsafe) static var accesses = 0
  private var links = DeadlineLinks()

  var deadlineLinks: DeadlineLinks {
    get {
      Self.accesses += 1
      return links
    }
    set {
      Self.accesses += 1
      links = newValue
    }
  }
}

@Suite(.serialized) struct DeadlineQueueCostTests {
  /// What a pairing heap does badly: removing the earliest of many that came in order.
  @Test(arguments: ["ascending", "descending", "random"])
  func everyOperationIsLogarithmic(order: String) {
    let count = 10_000
    let records = UnsafeMutablePointer<CountingSleeper>.allocate(capacity: count)
    defer { records.deallocate() }
    var random = SeededGenerator(seed: 81)
    var queue = DeadlineQueue<CountingSleeper>()
    var greatest = 0
    func measure(_ operation: () -> Void) {
      CountingSleeper.accesses = 0
      operation()
      greatest = max(greatest, CountingSleeper.accesses)
    }
    for index in 0..<count {
      (records + index).initialize(to: CountingSleeper())
      let deadline =
        switch order {
        case "ascending": UInt64(index)
        case "descending": UInt64(count - index)
        default: random.next()
        }
      measure { queue.insert(records + index, deadline: deadline) }
    }
    for index in stride(from: 0, to: count, by: 3) { measure { queue.remove(records + index) } }
    while queue.count > 0 { measure { _ = queue.popExpired(now: .max) } }
    // Two spines of at most 14 records, with some 20 accesses to each.
    #expect(greatest < 600)
  }
}
