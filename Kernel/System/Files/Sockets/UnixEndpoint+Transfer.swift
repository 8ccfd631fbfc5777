import Core
import Machine

/// The ways of send(2) and recv(2).
struct SocketTransferFlags: OptionSet, Sendable {
  let rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }

  static var outOfBand: SocketTransferFlags { SocketTransferFlags(rawValue: 0x1) }  // MSG_OOB
  static var peek: SocketTransferFlags { SocketTransferFlags(rawValue: 0x2) }  // MSG_PEEK
  static var controlTruncated: SocketTransferFlags { SocketTransferFlags(rawValue: 0x8) }  // MSG_CTRUNC
  static var truncated: SocketTransferFlags { SocketTransferFlags(rawValue: 0x20) }  // MSG_TRUNC
  static var dontWait: SocketTransferFlags { SocketTransferFlags(rawValue: 0x40) }  // MSG_DONTWAIT
  static var waitAll: SocketTransferFlags { SocketTransferFlags(rawValue: 0x100) }  // MSG_WAITALL
  static var noSignal: SocketTransferFlags { SocketTransferFlags(rawValue: 0x4000) }  // MSG_NOSIGNAL
  static var waitForOne: SocketTransferFlags { SocketTransferFlags(rawValue: 0x10000) }  // MSG_WAITFORONE
  static var closeOnExec: SocketTransferFlags { SocketTransferFlags(rawValue: 0x4000_0000) }  // MSG_CMSG_CLOEXEC
}

/// What came with the bytes.
struct SocketReceipt {
  var count = 0
  var flags: SocketTransferFlags = []
  var senderName: [UInt8]?
  var hasSender = false
  var credentials: SocketCredentials?
  var files: [OpenFile] = []
}

extension UnixEndpoint {
  /// Bytes of a stream that one message takes at most.
  private static var portion: Int { 16384 }

  // MARK: Sending

  /// Sends bytes to the peer, or a datagram to `destination`.
  ///
  /// - Parameters:
  ///   - credentials: the sender's, as it gives them.
  ///   - files: what goes along with the first byte.
  func send(
    _ buffer: inout TransferBuffer, to destination: UnixEndpoint?, isNonBlocking: Bool,
    credentials: SocketCredentials, files: [OpenFile]
  ) throws(Errno) -> Int {
    if type == .stream {
      return try sendStream(&buffer, isNonBlocking: isNonBlocking, credentials: credentials, files: files)
    }
    return try sendMessage(
      &buffer, to: destination, isNonBlocking: isNonBlocking, credentials: credentials, files: files)
  }

  private func sendStream(
    _ buffer: inout TransferBuffer, isNonBlocking: Bool, credentials: SocketCredentials, files: [OpenFile]
  ) throws(Errno) -> Int {
    var total = 0
    var files = files
    do throws(Errno) {
      if Self.lock.withLock({ !wasConnected }) { throw .notConnected }
      while buffer.remaining > 0 {
        try waitToSend(isNonBlocking: isNonBlocking)
        let count = min(buffer.remaining, Self.portion)
        let message = SocketMessage(count: count, from: self, credentials, files: files)
        guard let message else { throw .noBufferSpace }
        try buffer.take(into: message.bytes)
        var receiver: UnixEndpoint?
        Self.lock.withLock {
          guard let peer, !sendShutDown, !peer.receiveShutDown else { return }
          receiver = peer
          outstanding += message.charge
          peer.queue.append(message)
          SocketGarbage.entered(message, peer)
        }
        guard let receiver else { throw .brokenPipe }
        receiver.readiness.notify([.input, .inputNormal])
        files = []
        total += count
      }
    } catch {
      // What has been sent counts; an end is told of by the next call.
      if total > 0 { return total }
      throw error
    }
    return total
  }

  /// Waits until what has been sent and not read leaves room for more.
  private func waitToSend(isNonBlocking: Bool) throws(Errno) {
    let deadline = sendTimeout == 0 ? nil : SystemCalls.deadline(nanoseconds: sendTimeout)
    while true {
      var failure: Errno?
      let mayGoOn = Self.lock.withLock {
        // A stream tells of its end first, and leaves the error to the reader.
        if type == .stream, sendShutDown || peer == nil {
          failure = .brokenPipe
        } else if let error = pendingError {
          pendingError = nil
          failure = error
        } else if sendShutDown || type.isConnected && peer == nil {
          failure = .brokenPipe
        }
        return outstanding < sendBuffer
      }
      if let failure { throw failure }
      if mayGoOn { return }
      if isNonBlocking { throw .tryAgain }
      let outcome = readiness.queue.wait(until: deadline) {
        Self.lock.withLock { isWritable || sendShutDown || type.isConnected && peer == nil }
      }
      if outcome == .interrupted { throw .restart }
      if outcome == .timedOut { throw .tryAgain }
    }
  }

  private func sendMessage(
    _ buffer: inout TransferBuffer, to destination: UnixEndpoint?, isNonBlocking: Bool,
    credentials: SocketCredentials, files: [OpenFile]
  ) throws(Errno) -> Int {
    let count = buffer.remaining
    if count > sendBuffer - 32 { throw .messageTooLong }
    if Self.lock.withLock({ destination == nil && (type == .datagram ? peer == nil : !wasConnected) }) {
      throw .notConnected
    }
    try waitToSend(isNonBlocking: isNonBlocking)
    let message = SocketMessage(count: count, from: self, credentials, files: files)
    guard let message else { throw .noBufferSpace }
    try buffer.take(into: message.bytes)
    let deadline = sendTimeout == 0 ? nil : SystemCalls.deadline(nanoseconds: sendTimeout)
    while true {
      var failure: Errno?
      var receiver: UnixEndpoint?
      let isSent = Self.lock.withLock {
        guard let target = destination ?? peer, !target.isClosed else {
          failure = type == .datagram ? .connectionRefused : .brokenPipe
          if destination == nil { peer = nil }
          return false
        }
        receiver = target
        if target.type != type {
          failure = .wrongProtocolType
        } else if type == .datagram, let others = target.peer, others !== self {
          failure = .notPermitted
        } else if target.receiveShutDown || sendShutDown {
          failure = .brokenPipe
        } else if type == .datagram, !target.hasRoom(for: self) {
          if isNonBlocking { failure = .tryAgain }
        } else {
          outstanding += message.charge
          target.queue.append(message)
          SocketGarbage.entered(message, target)
          return true
        }
        return false
      }
      if let failure { throw failure }
      guard let receiver else { throw .connectionRefused }
      if isSent {
        receiver.readiness.notify([.input, .inputNormal])
        return count
      }
      // The receiver tells when it has read.
      let outcome = receiver.readiness.queue.wait(until: deadline) {
        Self.lock.withLock {
          receiver.hasRoom(for: self) || receiver.isClosed || receiver.receiveShutDown || sendShutDown
        }
      }
      if outcome == .interrupted { throw .restart }
      if outcome == .timedOut { throw .tryAgain }
    }
  }

  // MARK: Receiving

  /// Waits for a message, for the end, or for an error.
  ///
  /// - Returns: false at the end.
  private func waitToReceive(isNonBlocking: Bool, until deadline: UInt64?) throws(Errno) -> Bool {
    while true {
      var failure: Errno?
      var isThere = false
      var isAtEnd = false
      Self.lock.withLock {
        if type.isConnected, !wasConnected {
          failure = type == .stream ? .invalid : .notConnected
          return
        }
        // An error comes after the bytes of a stream, and before other messages.
        isThere = queue.first != nil && (type == .stream || pendingError == nil)
        if isThere { return }
        if let error = pendingError {
          pendingError = nil
          failure = error
        } else if receiveShutDown {
          // Datagrams may come from elsewhere: only who would wait for one learns that none will.
          if type == .datagram, isNonBlocking { failure = .tryAgain } else { isAtEnd = true }
        }
      }
      if let failure { throw failure }
      if isThere { return true }
      if isAtEnd { return false }
      if isNonBlocking { throw .tryAgain }
      let outcome = readiness.queue.wait(until: deadline) {
        Self.lock.withLock { queue.first != nil || receiveShutDown || pendingError != nil }
      }
      if outcome == .interrupted { throw .restart }
      if outcome == .timedOut { throw .tryAgain }
    }
  }

  /// recv(2) and its kin.
  func receive(
    _ buffer: inout TransferBuffer, _ flags: SocketTransferFlags, isNonBlocking: Bool
  ) throws(Errno) -> SocketReceipt {
    let deadline = receiveTimeout == 0 ? nil : SystemCalls.deadline(nanoseconds: receiveTimeout)
    var receipt = SocketReceipt()
    while true {
      do throws(Errno) {
        if !(try waitToReceive(isNonBlocking: isNonBlocking, until: deadline)) { return receipt }
      } catch {
        if receipt.count > 0 { return receipt }
        throw error
      }
      reading.acquire()
      var failure: Errno?
      var isDone = true
      do throws(Errno) {
        isDone =
          type == .stream
          ? try receiveStream(&buffer, flags, &receipt) : try receiveMessage(&buffer, flags, &receipt)
      } catch {
        failure = error
      }
      reading.release()
      if let failure {
        if receipt.count > 0 { return receipt }
        throw failure
      }
      if isDone { return receipt }
    }
  }

  /// Takes what is there. `reading` is held.
  ///
  /// - Returns: whether the call is over.
  private func receiveStream(
    _ buffer: inout TransferBuffer, _ flags: SocketTransferFlags, _ receipt: inout SocketReceipt
  ) throws(Errno) -> Bool {
    var next: SocketMessage? = Self.lock.withLock { queue.first }
    // Another reader was faster.
    if next == nil { return false }
    var isFirst = receipt.credentials == nil
    // A read of no bytes takes what goes along with the first.
    while let message = next, buffer.remaining > 0 || isFirst {
      if !isFirst {
        // Bytes of different senders are not put together where it is told who they are.
        let credentials = receipt.credentials ?? message.credentials
        let isSameSender = credentials.process == message.credentials.process
          && credentials.user == message.credentials.user && credentials.group == message.credentials.group
        if passesCredentials, !isSameSender { return true }
      }
      let count = min(buffer.remaining, message.remaining)
      let portion = UnsafeRawBufferPointer(rebasing: message.bytes[message.consumed..<message.consumed + count])
      try buffer.put(portion)
      if isFirst {
        receipt.credentials = message.credentials
        receipt.senderName = message.senderName
        receipt.hasSender = true
        isFirst = false
      }
      receipt.count += count
      if !message.files.isEmpty {
        receipt.files.append(contentsOf: message.files)
        // A read ends with the message that they came with.
        if !flags.contains(.peek) {
          Self.lock.withLock { SocketGarbage.left(message) }
          message.files = []
        }
      }
      if flags.contains(.peek) {
        if !receipt.files.isEmpty { return true }
        next = Self.lock.withLock { message.next }
        continue
      }
      var finished: SocketMessage?
      next = Self.lock.withLock {
        message.consumed += count
        queue.byteCount -= count
        if message.remaining == 0 {
          finished = queue.removeFirst()
          SocketGarbage.left(message)
        }
        return queue.first
      }
      if let finished { finished.sender.uncharge(finished) }
      if !receipt.files.isEmpty { return true }
    }
    return buffer.remaining == 0 || !flags.contains(.waitAll) || flags.contains(.peek)
  }

  private func receiveMessage(
    _ buffer: inout TransferBuffer, _ flags: SocketTransferFlags, _ receipt: inout SocketReceipt
  ) throws(Errno) -> Bool {
    // It is taken before it is copied: a fault loses it, as on Linux.
    let message: SocketMessage? = Self.lock.withLock {
      if flags.contains(.peek) { return queue.first }
      let message = queue.removeFirst()
      if let message { SocketGarbage.left(message) }
      return message
    }
    guard let message else { return false }
    defer {
      if !flags.contains(.peek) {
        message.sender.uncharge(message)
        // Senders of datagrams wait for the receiver.
        readiness.notify([.output, .outputNormal])
        tellOfRoom()
      }
    }
    let count = min(buffer.remaining, message.count)
    try buffer.put(UnsafeRawBufferPointer(rebasing: message.bytes[0..<count]))
    receipt.credentials = message.credentials
    receipt.senderName = message.senderName
    receipt.hasSender = true
    receipt.files = message.files
    if count < message.count { receipt.flags.insert(.truncated) }
    receipt.count = flags.contains(.truncated) ? message.count : count
    return true
  }
}
