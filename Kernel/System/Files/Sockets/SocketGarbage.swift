import Core
import Machine

/// Sockets that nobody can reach although they are referred to: from messages that wait in sockets which are only
/// referred to from such messages (unix(7), SCM_RIGHTS).
///
/// A socket is held where its open file has more references than messages carry: by a descriptor, or by a call. What
/// waits in a socket that is held can be received, and then what waits in the sockets that come along. Messages in
/// other sockets never can; with them the sockets end. A call that has taken a reference for a moment makes a
/// socket appear to be held, so that it stays until the next search.
///
/// All of it under `UnixEndpoint.lock`.
enum SocketGarbage {
  /// The messages that wait somewhere and carry sockets, linked both ways.
  nonisolated(unsafe) private static var first: Unmanaged<SocketMessage>?
  nonisolated(unsafe) private static var count = 0
  /// Sockets closed, and messages of the kind sent, since the last search.
  nonisolated(unsafe) private static var events = 0

  /// A message has been put into an endpoint's queue.
  static func entered(_ message: SocketMessage, _ receiver: UnixEndpoint) {
    guard message.carriesSockets else { return }
    let own = Unmanaged.passUnretained(message)
    message.receiver = .passUnretained(receiver)
    message.previousCarrier = nil
    message.nextCarrier = first
    first?._withUnsafeGuaranteedRef { $0.previousCarrier = own }
    first = own
    count += 1
    events += 1
  }

  /// A message leaves its queue, or what it carries is taken.
  static func left(_ message: SocketMessage) {
    guard message.receiver != nil else { return }
    message.receiver = nil
    let next = message.nextCarrier
    let previous = message.previousCarrier
    if let previous { previous._withUnsafeGuaranteedRef { $0.nextCarrier = next } } else { first = next }
    next?._withUnsafeGuaranteedRef { $0.previousCarrier = previous }
    message.nextCarrier = nil
    message.previousCarrier = nil
    count -= 1
  }

  /// All messages of a queue leave it.
  static func left(_ queue: SocketMessageQueue) {
    if count == 0 { return }
    var next = queue.first
    while let message = next {
      left(message)
      next = message.next
    }
  }

  /// A socket has been closed, or is about to be sent: searches where that is worth its while.
  static func collectIfUseful() {
    var dead = SocketMessageQueue()
    UnixEndpoint.lock.withLock {
      events += 1
      // What a search costs is shared by so many events.
      guard count > 0, events * 8 >= count else { return }
      events = 0
      search(&dead)
    }
    SocketGraveyard.add(&dead)
  }

  private static func search(_ dead: inout SocketMessageQueue) {
    forEachCarrier { message, receiver in
      receiver.isReached = false
      receiver.flights = 0
      receiver.listener?._withUnsafeGuaranteedRef { $0.flights = 0 }
      message.forEachSocket {
        $0.isReached = false
        $0.flights = 0
      }
    }
    forEachCarrier { message, _ in message.forEachSocket { $0.flights += 1 } }
    // From those that are held to all that can be received; linked, since the way may be longer than the stack.
    var pending: Unmanaged<UnixEndpoint>?
    func reach(_ endpoint: UnixEndpoint) {
      if endpoint.isReached { return }
      endpoint.isReached = true
      endpoint.nextReached = pending
      pending = .passUnretained(endpoint)
    }
    forEachCarrier { _, receiver in if isHeld(receiver) { reach(receiver) } }
    while let found = pending {
      found._withUnsafeGuaranteedRef { endpoint in
        pending = endpoint.nextReached
        endpoint.nextReached = nil
        for connection in endpoint.waiting { reach(connection) }
        var next = endpoint.queue.first
        while let message = next {
          if message.receiver != nil { message.forEachSocket(reach) }
          next = message.next
        }
      }
    }
    forEachCarrier { _, receiver in
      // With the first of its messages all of them go, and leave the list.
      if receiver.isReached { return }
      while let message = receiver.queue.removeFirst() {
        left(message)
        dead.append(message)
      }
    }
  }

  /// Calls `body` with each of the messages and where it waits. `body` may take those of the same endpoint out.
  private static func forEachCarrier(_ body: (SocketMessage, UnixEndpoint) -> Void) {
    var next = first
    while let found = next {
      let message = found.takeUnretainedValue()
      guard let receiver = message.receiver?.takeUnretainedValue() else { return }
      body(message, receiver)
      // Where it has been taken out, the list may begin with any other.
      next = message.receiver == nil ? first : message.nextCarrier
    }
  }

  /// Whether somebody else than messages refers to a socket.
  private static func isHeld(_ endpoint: UnixEndpoint) -> Bool {
    if let socket = endpoint.socketAddress { return referenceCount(of: socket) > UInt64(endpoint.flights) }
    // A connection that has not been accepted is its listener's.
    guard let listener = endpoint.listener?.takeUnretainedValue() else { return true }
    return listener.socketAddress.map { referenceCount(of: $0) > UInt64(listener.flights) } ?? true
  }
}
