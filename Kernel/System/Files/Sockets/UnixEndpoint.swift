import Core
import Machine

/// The kinds of Unix sockets (socket(2)).
enum SocketType: Int32, Sendable {
  case stream = 1
  case datagram = 2
  case sequencedPacket = 5

  /// Whether it sends to one peer that it is connected to.
  var isConnected: Bool { self != .datagram }
}

/// One end of a conversation (unix(7)): what a socket's open file refers to, and messages on their way do.
///
/// One lock guards the states of all Unix sockets, so that two of them change together; bytes are copied and waiters
/// are woken without it.
final class UnixEndpoint: @unchecked Sendable {
  nonisolated(unsafe) static var lock = InterruptLock()

  let type: SocketType
  let readiness = Readiness()
  /// Lets one reader at a time copy, so that a stream stays in order.
  let reading = Mutex()

  // MARK: Under the lock

  /// Set once, so that it may be read without the lock.
  var name: [UInt8]?
  /// The other end: connected, or the default destination of datagrams.
  var peer: UnixEndpoint?
  /// The name of a peer that has gone (getpeername(2)).
  var formerPeerName: [UInt8]?
  /// Whether it is or was connected; a peer that has gone leaves it so.
  var wasConnected = false
  var isClosed = false
  var receiveShutDown = false
  var sendShutDown = false
  /// What SO_ERROR and the next call report.
  var pendingError: Errno?
  var queue = SocketMessageQueue()
  /// Bytes that it has sent and nobody has read.
  var outstanding = 0

  /// Whether it takes connections, and how many may wait.
  var isListening = false
  var backlog = 0
  /// Connections that have not been accepted: the ends that will be.
  var waiting: [UnixEndpoint] = []
  var credentials = SocketCredentials.none
  var peerCredentials = SocketCredentials.none

  /// The open file, as an address that keeps nothing alive; nil where there is none yet, or none any more.
  var socketAddress: UnsafeRawPointer?
  /// The socket that it waits at to be accepted.
  var listener: Unmanaged<UnixEndpoint>?
  /// For `SocketGarbage`: how many messages carry it, whether it can be reached, and the next to look into.
  var flights: UInt32 = 0
  var isReached = false
  var nextReached: Unmanaged<UnixEndpoint>?
  /// Those that wait for room here, where it waits for room itself, and its neighbours there.
  var firstStalled: Unmanaged<UnixEndpoint>?
  var stalledAt: Unmanaged<UnixEndpoint>?
  var nextStalled: Unmanaged<UnixEndpoint>?
  var previousStalled: Unmanaged<UnixEndpoint>?

  // MARK: Options, of one word each

  var sendBuffer = 212_992
  var receiveBuffer = 212_992
  var passesCredentials = false
  /// In nanoseconds; 0 for none.
  var receiveTimeout: UInt64 = 0
  var sendTimeout: UInt64 = 0

  init(_ type: SocketType) {
    self.type = type
  }

  /// A message of this sender has been read or lost.
  func uncharge(_ message: SocketMessage) {
    let isWritable = Self.lock.withLock {
      outstanding -= message.charge
      return self.isWritable
    }
    if isWritable { readiness.notify([.output, .outputNormal]) }
  }

  /// The lock is held.
  var isWritable: Bool { outstanding * 4 <= sendBuffer }

  // MARK: Connections

  /// Ties two fresh ends together (socketpair(2)).
  static func connect(_ first: UnixEndpoint, _ second: UnixEndpoint) {
    let credentials = SocketCredentials.current
    lock.withLock {
      tie(first, second)
      first.peerCredentials = credentials
      second.peerCredentials = credentials
    }
  }

  /// The lock is held.
  private static func tie(_ first: UnixEndpoint, _ second: UnixEndpoint) {
    first.peer = second
    second.peer = first
    first.wasConnected = true
    second.wasConnected = true
  }

  /// listen(2)
  func listen(_ count: Int32) throws(Errno) {
    guard type.isConnected else { throw .notSupported }
    let credentials = SocketCredentials.current
    let failure: Errno? = Self.lock.withLock {
      if name == nil || wasConnected { return .invalid }
      isListening = true
      backlog = min(max(Int(count), 0), 4096)
      self.credentials = credentials
      return nil
    }
    if let failure { throw failure }
    // A larger backlog may let somebody in.
    readiness.notify([.output, .outputNormal])
  }

  /// connect(2) to another socket.
  func connect(to listener: UnixEndpoint, isNonBlocking: Bool) throws(Errno) {
    guard listener.type == type else { throw .wrongProtocolType }
    if type == .datagram {
      let isAllowed = Self.lock.withLock {
        if let other = listener.peer, other !== self { return false }
        peer = listener
        wasConnected = true
        return true
      }
      if !isAllowed { throw .notPermitted }
      return
    }
    guard Frames.freeCount > Frames.reserve else { throw .noBufferSpace }
    let credentials = SocketCredentials.current
    let accepted = UnixEndpoint(type)
    let deadline = sendTimeout == 0 ? nil : SystemCalls.deadline(nanoseconds: sendTimeout)
    while true {
      var failure: Errno?
      let isDone = Self.lock.withLock {
        if wasConnected {
          failure = .alreadyConnected
        } else if isListening {
          failure = .invalid
        } else if !listener.isListening || listener.isClosed || listener.receiveShutDown {
          failure = .connectionRefused
        } else if listener.waiting.count <= listener.backlog {
          Self.tie(self, accepted)
          accepted.name = listener.name
          accepted.peerCredentials = credentials
          peerCredentials = listener.credentials
          accepted.listener = .passUnretained(listener)
          listener.waiting.append(accepted)
          return true
        } else if isNonBlocking {
          failure = .tryAgain
        }
        return false
      }
      if let failure { throw failure }
      if isDone { break }
      let outcome = listener.readiness.queue.wait(until: deadline) {
        Self.lock.withLock { !listener.isListening || listener.isClosed || listener.waiting.count <= listener.backlog }
      }
      if outcome == .interrupted { throw .restart }
      if outcome == .timedOut { throw .tryAgain }
    }
    listener.readiness.notify([.input, .inputNormal])
  }

  /// accept(2)
  func accept(isNonBlocking: Bool) throws(Errno) -> UnixEndpoint {
    guard type.isConnected else { throw .notSupported }
    let deadline = receiveTimeout == 0 ? nil : SystemCalls.deadline(nanoseconds: receiveTimeout)
    while true {
      var failure: Errno?
      let accepted: UnixEndpoint? = Self.lock.withLock {
        if !isListening || receiveShutDown {
          failure = .invalid
          return nil
        }
        if waiting.isEmpty { return nil }
        let accepted = waiting.removeFirst()
        accepted.listener = nil
        return accepted
      }
      if let failure { throw failure }
      if let accepted {
        readiness.notify([.output, .outputNormal])
        return accepted
      }
      if isNonBlocking { throw .tryAgain }
      let outcome = readiness.queue.wait(until: deadline) {
        Self.lock.withLock { !waiting.isEmpty || receiveShutDown }
      }
      if outcome == .interrupted { throw .restart }
      if outcome == .timedOut { throw .tryAgain }
    }
  }

  /// shutdown(2)
  func shutDown(receive: Bool, send: Bool) {
    let other: UnixEndpoint? = Self.lock.withLock {
      if receive { receiveShutDown = true }
      if send { sendShutDown = true }
      guard type.isConnected, let peer else { return nil }
      if receive { peer.sendShutDown = true }
      if send { peer.receiveShutDown = true }
      return peer
    }
    readiness.notify()
    other?.readiness.notify()
  }

  /// The open file has ended, or a connection was never accepted.
  func close() {
    SocketNames.unbind(self)
    var messages = SocketMessageQueue()
    var orphans: [UnixEndpoint] = []
    let other: UnixEndpoint? = Self.lock.withLock {
      isClosed = true
      leaveStalled()
      socketAddress = nil
      listener = nil
      isListening = false
      receiveShutDown = true
      sendShutDown = true
      let other = peer
      peer = nil
      messages = queue
      queue = SocketMessageQueue()
      SocketGarbage.left(messages)
      orphans = waiting
      waiting = []
      guard type.isConnected, let other else { return nil }
      other.peer = nil
      other.formerPeerName = name
      other.receiveShutDown = true
      other.sendShutDown = true
      if messages.first != nil { other.pendingError = .connectionReset }
      return other
    }
    readiness.notify()
    tellOfRoom()
    other?.readiness.notify()
    for orphan in orphans {
      // Under the lock: it may be closing.
      let peer = Self.lock.withLock { orphan.peer }
      peer?.setError(.connectionReset)
      orphan.close()
    }
    SocketGraveyard.add(&messages)
    SocketGarbage.collectIfUseful()
  }

  private func setError(_ error: Errno) { Self.lock.withLock { pendingError = error } }

  /// Throws the error that is to be told of, or ENOTCONN.
  func checkConnection() throws(Errno) {
    if let error = takeError() { throw error }
    if Self.lock.withLock({ !wasConnected }) { throw .notConnected }
  }

  /// What SO_ERROR reports, once.
  func takeError() -> Errno? {
    Self.lock.withLock {
      let error = pendingError
      pendingError = nil
      return error
    }
  }

  /// poll(2)
  var events: PollEvents {
    Self.lock.withLock {
      var events: PollEvents = []
      if pendingError != nil { events.insert(.error) }
      if queue.first != nil || !waiting.isEmpty { events.insert([.input, .inputNormal]) }
      if receiveShutDown { events.insert([.input, .inputNormal, .readHangUp]) }
      if receiveShutDown, sendShutDown { events.insert(.hangUp) }
      if type.isConnected, !wasConnected, !isListening { events.insert(.hangUp) }
      if isListening { return events }
      if isWritable {
        if type == .datagram, let peer, !peer.hasRoom(for: self) {
          awaitRoom(at: peer)
        } else {
          events.insert([.output, .outputNormal])
        }
      }
      return events
    }
  }
}
