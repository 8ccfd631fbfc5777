import Core

/// A thread's record as the tests need it.
struct TestThread: Schedulable {
  let number: Int
  var ranTicks: Int64 = 0
  var scheduling: SchedulingEntity

  init(number: Int, nice: Int) {
    self.number = number
    scheduling = SchedulingEntity(nice: nice)
  }
}

/// Records at stable addresses for the length of a test.
final class TestThreads {
  private let records: UnsafeMutablePointer<TestThread>
  let count: Int

  init(count: Int, nice: (Int) -> Int = { _ in 0 }) {
    self.count = count
    records = .allocate(capacity: count)
    for index in 0..<count { (records + index).initialize(to: TestThread(number: index, nice: nice(index))) }
  }

  deinit { records.deallocate() }

  subscript(index: Int) -> UnsafeMutablePointer<TestThread> { records + index }
}
