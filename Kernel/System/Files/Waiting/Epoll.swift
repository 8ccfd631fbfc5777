import Core
import Machine

/// An epoll instance (epoll(7)).
///
/// An item is put on the ready list when its file tells of a change. Whoever waits takes items off, asks their
/// files, reports what is true, and puts those that are level-triggered back at the end. Files are asked with no lock
/// held, and kept alive meanwhile.
final class Epoll: OpenFile, @unchecked Sendable {
  override func refusesTransfer(reading: Bool) -> Bool { true }

  override var anonymousName: StaticString { "[eventpoll]" }
  /// Serialises epoll_ctl(2).
  let control = Mutex()
  let queue = EpollQueue()
  /// Held by whoever takes items off the ready list and puts them back: others would find none meanwhile. Of
  /// instances that watch each other, that of the outer one first.
  private let looking = Mutex()
  /// What `EpollNesting` has found of it last, and in which search.
  var nestingDepth = 0
  var nestingSearch: UInt64 = 0
  /// By descriptor; under the queue's lock.
  private var items = HeapArray<EpollItem>()

  /// Does nothing, and says so of no error.
  override func seek(_ offset: Int64, _ whence: Int32) throws(Errno) -> Int64 { 0 }

  override var readiness: Readiness? { queue.readiness }
  override var epoll: Epoll? { self }

  deinit {
    for index in 0..<items.count {
      let item = items[index]
      item.list.remove(item)
      item.links.unlink(item)
      queue.lock.withLock { item.isRemoved = true }
    }
    queue.removeAll()
    items.removeAll()
  }

  // MARK: The items

  /// Where an item of this descriptor and file is, or nil. The lock is held.
  private func index(of descriptor: Int32, _ file: OpenFile) -> Int? {
    var index = firstIndex(notBelow: descriptor)
    while index < items.count, items[index].descriptor == descriptor {
      if items[index].file.toOpaque() == Unmanaged.passUnretained(file).toOpaque() { return index }
      index += 1
    }
    return nil
  }

  private func firstIndex(notBelow descriptor: Int32) -> Int {
    var low = 0
    var high = items.count
    while low < high {
      let middle = (low + high) / 2
      if items[middle].descriptor < descriptor { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// EPOLL_CTL_ADD. `control` is held, and the caller keeps the file.
  func add(_ descriptor: Int32, _ file: OpenFile, _ wanted: EpollEvents, data: UInt64) throws(Errno) {
    guard let list = file.watchers else { throw .notPermitted }
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let item = EpollItem(self, descriptor, file, list, wanted, data: data)
    let failure: Errno? = queue.lock.withLock {
      if index(of: descriptor, file) != nil { return .exists }
      guard items.makeRoom() else { return .outOfMemory }
      items.insert(item, at: firstIndex(notBelow: descriptor))
      return nil
    }
    if let failure { throw failure }
    item.links.link(item)
    list.add(item)
    if !file.poll().isDisjoint(with: wanted.pollEvents) { _ = queue.signal(item) }
  }

  /// EPOLL_CTL_MOD. As above.
  func modify(_ descriptor: Int32, _ file: OpenFile, _ wanted: EpollEvents, data: UInt64) throws(Errno) {
    let item: EpollItem? = queue.lock.withLock {
      guard let index = index(of: descriptor, file) else { return nil }
      return items[index]
    }
    guard let item else { throw .noEntry }
    if item.isExclusive { throw .invalid }
    queue.lock.withLock {
      item.wanted = wanted
      item.data = data
      item.events = wanted.pollEvents
    }
    if !file.poll().isDisjoint(with: wanted.pollEvents) { _ = queue.signal(item) }
  }

  /// EPOLL_CTL_DEL. As above.
  func delete(_ descriptor: Int32, _ file: OpenFile) throws(Errno) {
    let item: EpollItem? = queue.lock.withLock {
      guard let index = index(of: descriptor, file) else { return nil }
      return items[index]
    }
    guard let item else { throw .noEntry }
    item.list.remove(item)
    item.links.unlink(item)
    forget(item)
  }

  /// Takes an item out that is on no list of watchers any more.
  func forget(_ item: EpollItem) {
    var removed: EpollItem?
    queue.lock.withLock {
      item.isRemoved = true
      var index = firstIndex(notBelow: item.descriptor)
      while index < items.count, items[index].descriptor == item.descriptor {
        if items[index] === item {
          removed = items.remove(at: index)
          break
        }
        index += 1
      }
    }
    // It may still be on the ready list: whoever comes to it drops it.
    withExtendedLifetime(removed) {}
  }

  /// The epoll instances among the files, kept alive.
  func nestedInstances() -> [Epoll] {
    var nested: [OpenFile] = []
    queue.lock.withLock {
      for index in 0..<items.count where items[index].isNested {
        if let file = retainUnlessEnding(items[index].file) { nested.append(file) }
      }
    }
    return nested.compactMap { $0.epoll }
  }

  // MARK: Ready items

  /// Takes ready items off and reports what is true of them.
  ///
  /// - Parameter report: gets events and data; false where it has no place for them, because of a bad address.
  /// - Returns: how many were reported; nil where the first could not be.
  private func collect(limit: Int, _ report: (Int, UInt32, UInt64) -> Bool) -> Int? {
    var count = 0
    // Those that come back are not reported twice.
    var candidates = queue.count
    while count < limit, candidates > 0, let item = queue.takeFirst() {
      candidates -= 1
      let found = events(of: item)
      if found.isEmpty { continue }
      var wanted: EpollEvents = []
      var data: UInt64 = 0
      var isRemoved = false
      queue.lock.withLock {
        wanted = item.wanted
        data = item.data
        isRemoved = item.isRemoved
        if wanted.contains(.oneShot) { item.wanted = wanted.intersection(.ways) }
      }
      if isRemoved { continue }
      guard report(count, found.rawValue, data) else {
        queue.lock.withLock { if wanted.contains(.oneShot) { item.wanted = wanted } }
        queue.putBack(item)
        return count > 0 ? count : nil
      }
      count += 1
      if !wanted.contains(.oneShot), !wanted.contains(.edgeTriggered) { queue.putBack(item) }
    }
    return count
  }

  private func events(of item: EpollItem) -> PollEvents {
    // The item's memory is ours, the file's as long as the item is linked: both are looked at under the lock that
    // `forget` takes before the file goes.
    var file: OpenFile?
    var wanted: PollEvents = []
    queue.lock.withLock {
      if item.isRemoved { return }
      file = retainUnlessEnding(item.file)
      wanted = item.wanted.pollEvents
    }
    guard let file else { return [] }
    return file.poll().intersection(wanted)
  }

  // MARK: Waiting

  /// epoll_wait(2)
  ///
  /// - Parameters:
  ///   - address: of `limit` records of 12 bytes: events and data.
  ///   - deadline: in TSC ticks; 0 to look alone, nil for no end.
  func wait(into address: UInt64, limit: Int, until deadline: UInt64?) throws(Errno) -> Int {
    while true {
      let count = looking.withLock {
        collect(limit: limit) { index, events, data in
          let place = address + UInt64(index) * 12
          return UserMemory.store(events, to: place) && UserMemory.store(data, to: place + 4)
        }
      }
      guard let count else {
        queue.readiness.queue.wake(limit: 1)
        throw .badAddress
      }
      if count > 0 {
        // Others may have something to do too.
        if queue.count > 0 { queue.readiness.queue.wake(limit: 1) }
        return count
      }
      if deadline == 0 { return 0 }
      switch queue.readiness.queue.wait(until: deadline, { queue.count > 0 }) {
      case .satisfied: continue
      case .timedOut: return 0
      case .interrupted: throw .interrupted
      }
    }
  }

  /// Readable where an item is ready: a nested instance.
  override func poll() -> PollEvents {
    let isReady = looking.withLock {
      var candidates = queue.count
      while candidates > 0, let item = queue.takeFirst() {
        candidates -= 1
        if events(of: item).isEmpty { continue }
        queue.putBack(item)
        return true
      }
      return false
    }
    if !isReady { return [] }
    // A thread may have begun to wait for the item while it was off the list.
    queue.readiness.queue.wake(limit: 1)
    return [.input, .inputNormal]
  }
}
