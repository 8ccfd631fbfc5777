import Core
import Machine

/// A Unix socket as an open file.
final class Socket: OpenFile, @unchecked Sendable {
  let endpoint: UnixEndpoint

  init(_ endpoint: UnixEndpoint, flags: OpenFlags) {
    self.endpoint = endpoint
    let node = AnonymousFiles.made(
      FileNode(
        fileSystem: AnonymousFiles.sockets, number: AnonymousFiles.makeNumber(),
        mode: FileMode.socket.with(permissions: 0o777)))
    super.init(node: node, flags: flags.intersection(.nonBlocking).union(.readWrite))
    endpoint.socketAddress = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
  }

  deinit { endpoint.close() }

  override var socket: Socket? { self }
  override var readiness: Readiness? { endpoint.readiness }
  override var asynchronousEvents: PollEvents? { .all }

  override func read(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    // To ask for nothing does not wait, even where nothing is there.
    if buffer.remaining == 0 { return 0 }
    return try receive(&buffer, []).count
  }

  override func write(_ buffer: inout TransferBuffer, at position: Int64?) throws(Errno) -> Int {
    try send(&buffer, [], to: nil, credentials: .current, files: [])
  }

  func receive(_ buffer: inout TransferBuffer, _ flags: SocketTransferFlags) throws(Errno) -> SocketReceipt {
    guard !flags.contains(.outOfBand) else { throw .notSupported }
    return try endpoint.receive(&buffer, flags, isNonBlocking: isNonBlocking || flags.contains(.dontWait))
  }

  func send(
    _ buffer: inout TransferBuffer, _ flags: SocketTransferFlags, to destination: UnixEndpoint?,
    credentials: SocketCredentials, files: [OpenFile]
  ) throws(Errno) -> Int {
    guard !flags.contains(.outOfBand) else { throw .notSupported }
    do throws(Errno) {
      return try endpoint.send(
        &buffer, to: destination, isNonBlocking: isNonBlocking || flags.contains(.dontWait),
        credentials: credentials, files: files)
    } catch {
      if error == .brokenPipe, endpoint.type == .stream, !flags.contains(.noSignal) {
        Signals.sendForCall(.brokenPipe)
      }
      throw error
    }
  }

  override func control(_ request: UInt32, _ argument: UInt64) throws(Errno) -> Int64 {
    let value: Int
    switch request {
    case 0x541B:  // SIOCINQ, which is FIONREAD
      if endpoint.isListening { throw .invalid }
      value = UnixEndpoint.lock.withLock {
        endpoint.type.isConnected ? endpoint.queue.byteCount : endpoint.queue.first?.count ?? 0
      }
    case 0x5411: value = UnixEndpoint.lock.withLock { endpoint.outstanding }  // SIOCOUTQ
    default: throw .notTerminal
    }
    guard UserMemory.store(Int32(truncatingIfNeeded: value), to: argument) else { throw .badAddress }
    return 0
  }

  override func poll() -> PollEvents { endpoint.events }
}
