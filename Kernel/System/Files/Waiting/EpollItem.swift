import Core
import Machine

/// A file that an epoll instance watches: a descriptor's number and the open file behind it at the time (epoll(7)).
///
/// Keeps neither alive: the file's end takes the item out of the instance, and the instance's end out of the file.
final class EpollItem: ReadinessWatcher, @unchecked Sendable {
  // MARK: Constant

  let descriptor: Int32
  /// The watchers of the file that it is one of, and the file's items.
  let list: WatcherList
  let links: EpollLinks
  /// The ready list of its instance.
  let queue: EpollQueue
  let epoll: Unmanaged<Epoll>
  /// The file's identity, and the file itself as long as it has not ended.
  let file: Unmanaged<OpenFile>
  /// Whether the file is an epoll instance itself.
  let isNested: Bool

  // MARK: Under the queue's lock

  /// What the program wants to hear of; nothing but its ways after an event of a one-shot item.
  var wanted: EpollEvents
  var data: UInt64
  /// Taken out of the instance: never put on its ready list again.
  var isRemoved = false
  var isReady = false
  var nextReady: EpollItem?

  // MARK: Under `EpollLinks`' lock

  /// The next item of the same file, in whatever instance.
  var nextOfFile: EpollItem?
  /// Whether it is still among the file's items.
  var isLinked = false

  init(_ epoll: Epoll, _ descriptor: Int32, _ file: OpenFile, _ list: WatcherList, _ wanted: EpollEvents, data: UInt64) {
    self.descriptor = descriptor
    self.list = list
    links = EpollLinks.of(file)
    queue = epoll.queue
    self.epoll = Unmanaged.passUnretained(epoll)
    self.file = Unmanaged.passUnretained(file)
    isNested = file.epoll != nil
    self.wanted = wanted
    self.data = data
    super.init(events: wanted.pollEvents)
    isExclusive = wanted.contains(.exclusive)
  }

  override func signal(_ events: PollEvents) -> Bool { queue.signal(self) }
}

/// epoll_ctl(2)'s events: those of poll(2), and how to report them.
struct EpollEvents: OptionSet, Sendable {
  let rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }

  static var exclusive: EpollEvents { EpollEvents(rawValue: 1 << 28) }  // EPOLLEXCLUSIVE
  static var wakeUp: EpollEvents { EpollEvents(rawValue: 1 << 29) }  // EPOLLWAKEUP
  static var oneShot: EpollEvents { EpollEvents(rawValue: 1 << 30) }  // EPOLLONESHOT
  static var edgeTriggered: EpollEvents { EpollEvents(rawValue: 1 << 31) }  // EPOLLET
  static var ways: EpollEvents { [.exclusive, .wakeUp, .oneShot, .edgeTriggered] }

  /// What of poll(2) is asked for; errors and hang-ups always are, unless a one-shot item has had its event.
  var pollEvents: PollEvents { PollEvents(rawValue: rawValue & 0xFFFF) }
}

/// The items that watch an open file, in whatever instance: an object of its own, which lives as long as the file or
/// any of them.
final class EpollLinks: @unchecked Sendable {
  /// Guards the items of every file. Inside it nothing is locked.
  nonisolated(unsafe) private static var lock = SpinLock()

  private var first: EpollItem?

  /// Those of a file, made where it has none. The caller keeps the file.
  static func of(_ file: OpenFile) -> EpollLinks {
    let new = EpollLinks()
    return lock.withLock {
      if let links = file.epollLinks { return links }
      file.epollLinks = new
      return new
    }
  }

  func link(_ item: EpollItem) {
    Self.lock.withLock {
      item.nextOfFile = first
      item.isLinked = true
      first = item
    }
  }

  /// Takes an item out, unless the file has ended before.
  func unlink(_ item: EpollItem) {
    Self.lock.withLock {
      guard item.isLinked else { return }
      item.isLinked = false
      let rest = item.nextOfFile
      item.nextOfFile = nil
      if first === item {
        first = rest
        return
      }
      var previous = first
      while let candidate = previous, candidate.nextOfFile !== item { previous = candidate.nextOfFile }
      previous?.nextOfFile = rest
    }
  }

  /// The file ends: the instances forget it. From its deinitialiser.
  func fileEnded() {
    while true {
      var item: EpollItem?
      var epoll: Epoll?
      Self.lock.withLock {
        item = first
        guard let item else { return }
        first = item.nextOfFile
        item.nextOfFile = nil
        item.isLinked = false
        // One that is ending takes its items off their lists itself. Its memory is there as long as they are linked.
        epoll = retainUnlessEnding(item.epoll)
      }
      guard let item else { return }
      item.list.remove(item)
      epoll?.forget(item)
    }
  }

  /// The instances that watch the file, kept alive.
  var epolls: [Epoll] {
    var found: [Epoll] = []
    Self.lock.withLock {
      var next = first
      while let item = next {
        if let epoll = retainUnlessEnding(item.epoll) { found.append(epoll) }
        next = item.nextOfFile
      }
    }
    return found
  }
}

/// A reference to an object whose memory is still there, unless its last reference has been dropped already.
func retainUnlessEnding<Object: AnyObject>(_ object: Unmanaged<Object>) -> Object? {
  tryRetainObject(object.toOpaque()) != 0 ? object.takeRetainedValue() : nil
}
