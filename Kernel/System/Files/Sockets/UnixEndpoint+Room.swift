import Machine

/// Datagram sockets that are connected to one with no room, and have been asked whether they are writable: they hear
/// of room there (poll(2), epoll(7)). Linked both ways at the socket that they wait at, which keeps none of them
/// alive: who closes leaves. All of it under `UnixEndpoint.lock`, but for `tellOfRoom`.
extension UnixEndpoint {
  /// Whether datagrams have to wait: more than ten are there.
  private var isFull: Bool { queue.count > 10 }

  /// Whether a datagram of a sender goes in. Two that are connected to each other are bounded by what they have sent.
  func hasRoom(for sender: UnixEndpoint) -> Bool { !isFull || sender === self || peer === sender }

  /// Has the socket hear of room at its peer.
  func awaitRoom(at other: UnixEndpoint) {
    if stalledAt?.toOpaque() == Unmanaged.passUnretained(other).toOpaque() || other.isClosed { return }
    leaveStalled()
    let own = Unmanaged.passUnretained(self)
    stalledAt = .passUnretained(other)
    nextStalled = other.firstStalled
    other.firstStalled?._withUnsafeGuaranteedRef { $0.previousStalled = own }
    other.firstStalled = own
  }

  /// The socket does not wait for room any more.
  func leaveStalled() {
    guard let other = stalledAt else { return }
    let next = nextStalled
    let previous = previousStalled
    if let previous {
      previous._withUnsafeGuaranteedRef { $0.nextStalled = next }
    } else {
      other._withUnsafeGuaranteedRef { $0.firstStalled = next }
    }
    next?._withUnsafeGuaranteedRef { $0.previousStalled = previous }
    stalledAt = nil
    nextStalled = nil
    previousStalled = nil
  }

  /// Tells those who wait for room here, where there is some. The lock is not held.
  func tellOfRoom() {
    // Who comes after the change that made room has seen it.
    if firstStalled == nil { return }
    while true {
      let sender: UnixEndpoint? = Self.lock.withLock {
        guard !isFull, let sender = firstStalled?.takeUnretainedValue() else { return nil }
        sender.leaveStalled()
        return sender
      }
      guard let sender else { return }
      sender.readiness.notify([.output, .outputNormal])
    }
  }
}
