import Core
import Machine

/// One file that a call of poll(2) or select(2) asks about.
struct PollEntry {
  /// The number by which the program names it.
  var descriptor: Int32
  /// Kept alive for the call; nil where nothing is asked.
  var file: OpenFile?
  /// The events that end the call.
  var wanted: PollEvents
  /// Those of them that are true.
  var found: PollEvents = []
}

/// Waiting for the first of several files to be ready.
enum PollWait {
  /// Looks at the files, and waits until an event that is wanted has come.
  ///
  /// - Parameter deadline: in TSC ticks; 0 to look alone, nil for no end.
  /// - Returns: how many entries have found something; 0 at the deadline.
  static func wait(_ entries: HeapArray<PollEntry>, until deadline: UInt64?) throws(Errno) -> Int {
    var ready = look(entries)
    if ready > 0 || deadline == 0 { return ready }
    // A watcher for each file, from the kernel's heap.
    guard Frames.freeCount > Frames.reserve + entries.count / 16 else { throw .outOfMemory }
    let waiter = PollWaiter()
    var watchers = HeapArray<PollWatcher>()
    guard watchers.makeRoom(for: entries.count) else { throw .outOfMemory }
    for index in 0..<entries.count {
      guard let list = entries[index].file?.watchers else { continue }
      let watcher = PollWatcher(list: list, waiter: waiter, events: entries[index].wanted)
      list.add(watcher)
      watchers.append(watcher)
    }
    defer {
      for index in 0..<watchers.count { watchers[index].list.remove(watchers[index]) }
      watchers.removeAll()
    }
    while true {
      // Before the look, with a barrier: what changes after it is signalled again.
      waiter.isSignalled.exchange(0)
      ready = look(entries)
      if ready > 0 { return ready }
      switch waiter.queue.wait(until: deadline, { waiter.isSignalled.load() != 0 }) {
      case .satisfied: continue
      case .timedOut: return look(entries)
      case .interrupted: throw .restartUnlessHandled
      }
    }
  }

  private static func look(_ entries: HeapArray<PollEntry>) -> Int {
    var ready = 0
    for index in 0..<entries.count {
      if let file = entries[index].file {
        entries[index].found = file.poll().intersection(entries[index].wanted)
      }
      if !entries[index].found.isEmpty { ready += 1 }
    }
    return ready
  }
}

/// A thread in such a call.
private final class PollWaiter: @unchecked Sendable {
  let queue = WaitQueue()
  /// 1 once a file may have become ready since the last look.
  var isSignalled = AtomicWord()
}

private final class PollWatcher: ReadinessWatcher, @unchecked Sendable {
  let list: WatcherList
  private let waiter: PollWaiter

  init(list: WatcherList, waiter: PollWaiter, events: PollEvents) {
    self.list = list
    self.waiter = waiter
    super.init(events: events)
  }

  override func signal(_ events: PollEvents) -> Bool {
    waiter.isSignalled.store(1)
    waiter.queue.wake()
    return true
  }
}
