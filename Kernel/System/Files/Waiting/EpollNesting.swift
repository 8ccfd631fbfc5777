import Core
import Machine

/// Epoll instances that watch each other: never in a circle, and not too deep, since a change runs through all of
/// them at once.
enum EpollNesting {
  /// Instances on top of each other, beside the first.
  private static var limit: Int { 5 }
  /// Serialises additions of one instance to another, and guards what the search leaves in instances.
  nonisolated(unsafe) private static var storedMutex: Mutex?
  /// The number of the search that is under way: each looks at an instance once, however many watch it.
  nonisolated(unsafe) private static var search: UInt64 = 0

  static func initialize() { storedMutex = Mutex() }

  /// Calls `body` where `target` may be added to `epoll`.
  ///
  /// - Throws: `tooManySymbolicLinks`, which is ELOOP.
  static func adding(_ target: Epoll, to epoll: Epoll, _ body: () throws(Errno) -> Void) throws(Errno) {
    let mutex = storedMutex!
    mutex.acquire()
    defer { mutex.release() }
    search += 1
    guard let below = depth(of: target, seeking: epoll, next: { $0.nestedInstances() }) else {
      throw .tooManySymbolicLinks
    }
    search += 1
    guard let above = depth(of: epoll, seeking: nil, next: { $0.epollLinks?.epolls ?? [] }),
      below + above + 1 <= limit
    else { throw .tooManySymbolicLinks }
    try body()
  }

  /// How many instances follow one, as `next` gives those that follow each; nil where they are too many, or `sought` is
  /// among them.
  private static func depth(
    of epoll: Epoll, _ level: Int = 0, seeking sought: Epoll?, next: (Epoll) -> [Epoll]
  ) -> Int? {
    if epoll === sought || level > limit { return nil }
    if epoll.nestingSearch == search { return epoll.nestingDepth }
    var deepest = 0
    for following in next(epoll) {
      guard let depth = depth(of: following, level + 1, seeking: sought, next: next) else { return nil }
      deepest = max(deepest, depth + 1)
    }
    epoll.nestingDepth = deepest
    epoll.nestingSearch = search
    return deepest
  }
}
