import Core
import Machine

extension SystemCalls {
  /// sendto(2)
  static func sendto(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let socket = try socket(behind: arguments.first)
    let count = Int(min(arguments.third, transferLimit))
    guard UserMemory.contains(arguments.second, count: count) else { throw .badAddress }
    let flags = SocketTransferFlags(rawValue: UInt32(truncatingIfNeeded: arguments.fourth))
    let destination = try destination(of: socket, arguments.fifth, arguments.sixth)
    var buffer = TransferBuffer(user: arguments.second, count: count)
    return Int64(try socket.send(&buffer, flags, to: destination, credentials: .current, files: []))
  }

  /// The socket that a message is for; nil for the one that the sender is connected to.
  private static func destination(
    of socket: Socket, _ address: UInt64, _ size: UInt64
  ) throws(Errno) -> UnixEndpoint? {
    if address == 0 || size & 0xFFFF_FFFF == 0 { return nil }
    let address = try SocketAddress(at: address, count: size)
    switch socket.endpoint.type {
    case .stream: throw socket.endpoint.wasConnected ? .alreadyConnected : .notSupported
    // Connected for good: the address says nothing.
    case .sequencedPacket: return nil
    case .datagram: return try address.find(.datagram)
    }
  }

  /// recvfrom(2)
  static func recvfrom(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let socket = try socket(behind: arguments.first)
    let count = Int(min(arguments.third, transferLimit))
    guard UserMemory.contains(arguments.second, count: count) else { throw .badAddress }
    let flags = SocketTransferFlags(rawValue: UInt32(truncatingIfNeeded: arguments.fourth))
    var buffer = TransferBuffer(user: arguments.second, count: count)
    let receipt = try socket.receive(&buffer, flags)
    if arguments.fifth != 0 {
      if receipt.hasSender, receipt.senderName != nil {
        try SocketAddress.store(receipt.senderName, to: arguments.fifth, size: arguments.sixth)
      } else {
        guard UserMemory.store(Int32(0), to: arguments.sixth) else { throw .badAddress }
      }
    }
    return Int64(receipt.count)
  }

  /// sendmsg(2)
  static func sendmsg(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = SocketTransferFlags(rawValue: UInt32(truncatingIfNeeded: arguments.third))
    return Int64(try sendMessage(try socket(behind: arguments.first), arguments.second, flags))
  }

  private static func sendMessage(
    _ socket: Socket, _ address: UInt64, _ flags: SocketTransferFlags
  ) throws(Errno) -> Int {
    let header = try SocketMessageHeader(at: address)
    let destination = try destination(of: socket, header.name, header.nameSize)
    // Such a socket is looked at before what is to go along.
    if socket.endpoint.type == .sequencedPacket { try socket.endpoint.checkConnection() }
    let control = try SocketControl.load(header)
    return try header.withBuffer { buffer throws(Errno) in
      try socket.send(&buffer, flags, to: destination, credentials: control.credentials, files: control.files)
    }
  }

  /// recvmsg(2)
  static func recvmsg(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = SocketTransferFlags(rawValue: UInt32(truncatingIfNeeded: arguments.third))
    return Int64(try receiveMessage(try socket(behind: arguments.first), arguments.second, flags))
  }

  private static func receiveMessage(
    _ socket: Socket, _ address: UInt64, _ flags: SocketTransferFlags
  ) throws(Errno) -> Int {
    let header = try SocketMessageHeader(at: address)
    let receipt = try header.withBuffer { buffer throws(Errno) in try socket.receive(&buffer, flags) }
    let control = SocketControl.store(
      receipt, header, passesCredentials: socket.endpoint.passesCredentials && receipt.credentials != nil,
      closesOnExec: flags.contains(.closeOnExec))
    if header.name != 0 {
      var size = 0
      if receipt.senderName != nil {
        let room = Int(header.nameSize & 0xFFFF_FFFF)
        size = try SocketAddress.store(receipt.senderName, to: header.name, room: room)
      }
      guard UserMemory.store(Int32(size), to: address &+ 8) else { throw .badAddress }
    }
    var result = receipt.flags.union(control.flags)
    if flags.contains(.closeOnExec) { result.insert(.closeOnExec) }
    guard UserMemory.store(control.size, to: address &+ 40),
      UserMemory.store(result.rawValue, to: address &+ 48)
    else { throw .badAddress }
    return receipt.count
  }

  /// sendmmsg(2): `struct mmsghdr` is a header and 32 bits for the result.
  static func sendmmsg(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let socket = try socket(behind: arguments.first)
    let flags = SocketTransferFlags(rawValue: UInt32(truncatingIfNeeded: arguments.fourth))
    return try repeatedly(arguments) { address throws(Errno) in try sendMessage(socket, address, flags) }
  }

  /// recvmmsg(2). The timeout is looked at between messages, as on Linux.
  static func recvmmsg(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let socket = try socket(behind: arguments.first)
    var flags = SocketTransferFlags(rawValue: UInt32(truncatingIfNeeded: arguments.fourth))
    let deadline = try deadline(timeSpecificationAt: arguments.fifth)
    let waitsForOne = flags.contains(.waitForOne)
    flags.remove(.waitForOne)
    var count = 0
    return try repeatedly(arguments) { address throws(Errno) in
      if count > 0, let deadline, remainingNanoseconds(until: deadline) == 0 { throw .tryAgain }
      let result = try receiveMessage(socket, address, flags)
      count += 1
      if waitsForOne { flags.insert(.dontWait) }
      return result
    }
  }

  /// Calls `body` for each header of an array, up to the first failure.
  ///
  /// - Returns: for how many it went well; the failure counts where it was the first.
  private static func repeatedly(
    _ arguments: SystemCallArguments, _ body: (UInt64) throws(Errno) -> Int
  ) throws(Errno) -> Int64 {
    let limit = min(arguments.third & 0xFFFF_FFFF, 1024)
    var done: UInt64 = 0
    while done < limit {
      let address = arguments.second &+ done * (SocketMessageHeader.size + 8)
      do throws(Errno) {
        let count = try body(address)
        guard UserMemory.store(UInt32(truncatingIfNeeded: count), to: address &+ SocketMessageHeader.size) else {
          throw .badAddress
        }
      } catch {
        if done > 0 { break }
        throw error
      }
      done += 1
    }
    return Int64(done)
  }
}
