import Core
import Machine

/// Sockets and their connections. Of the families there are Unix sockets alone.
extension SystemCalls {
  /// The socket behind a descriptor.
  static func socket(behind descriptor: UInt64) throws(Errno) -> Socket {
    guard let socket = try file(descriptor).socket else { throw .notSocket }
    return socket
  }

  private static func parseType(
    _ arguments: SystemCallArguments
  ) throws(Errno) -> (type: SocketType, flags: OpenFlags) {
    let given = UInt32(truncatingIfNeeded: arguments.second)
    let flags = OpenFlags(rawValue: given & ~0xF)
    guard flags.isSubset(of: [.nonBlocking, .closeOnExec]) else { throw .invalid }
    guard arguments.first & 0xFFFF_FFFF == 1 else { throw .addressFamilyNotSupported }
    let protocolNumber = arguments.third & 0xFFFF_FFFF
    guard protocolNumber <= 1 else { throw .protocolNotSupported }
    // A raw Unix socket is one of datagrams.
    let number = given & 0xF == 3 ? 2 : given & 0xF
    guard let type = SocketType(rawValue: Int32(number)) else { throw .socketTypeNotSupported }
    guard Frames.freeCount > Frames.reserve else { throw .noBufferSpace }
    return (type, flags)
  }

  /// socket(2)
  static func socket(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let (type, flags) = try parseType(arguments)
    let socket = Socket(UnixEndpoint(type), flags: flags)
    return try addDescriptor(socket, closesOnExec: flags.contains(.closeOnExec))
  }

  /// socketpair(2)
  static func socketpair(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    // Linux writes the descriptors' numbers before it makes the sockets.
    let wanted = OpenFlags(rawValue: UInt32(truncatingIfNeeded: arguments.second) & ~0xF)
    guard wanted.isSubset(of: [.nonBlocking, .closeOnExec]) else { throw .invalid }
    guard UserMemory.load(UInt64(0), from: arguments.fourth) != nil else { throw .badAddress }
    let (type, flags) = try parseType(arguments)
    let first = Socket(UnixEndpoint(type), flags: flags)
    let second = Socket(UnixEndpoint(type), flags: flags)
    UnixEndpoint.connect(first.endpoint, second.endpoint)
    try addPair(first, second, closesOnExec: flags.contains(.closeOnExec), to: arguments.fourth)
    return 0
  }

  /// bind(2)
  static func bind(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let socket = try socket(behind: arguments.first)
    let address = try SocketAddress(at: arguments.second, count: arguments.third)
    let endpoint = socket.endpoint
    endpoint.reading.acquire()
    defer { endpoint.reading.release() }
    if endpoint.name != nil {
      if address.kind == .automatic { return 0 }
      throw .invalid
    }
    var name = address.name
    var node: FileNode?
    switch address.kind {
    case .none: throw .invalid
    case .automatic: name = SocketNames.makeAutomatic()
    case .abstract: break
    case .path:
      do throws(Errno) { node = try SocketPaths.make(name) } catch {
        throw error == .exists ? .addressInUse : error
      }
    }
    try SocketNames.bind(endpoint, name, node: node)
    UnixEndpoint.lock.withLock { endpoint.name = name }
    return 0
  }

  /// listen(2)
  static func listen(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try socket(behind: arguments.first).endpoint.listen(Int32(truncatingIfNeeded: arguments.second))
    return 0
  }

  /// connect(2)
  static func connect(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let socket = try socket(behind: arguments.first)
    let address = try SocketAddress(at: arguments.second, count: arguments.third)
    if address.kind == .none {
      guard socket.endpoint.type == .datagram else { throw .invalid }
      let old = UnixEndpoint.lock.withLock {
        let old = socket.endpoint.peer
        socket.endpoint.peer = nil
        return old
      }
      withExtendedLifetime(old) {}
      return 0
    }
    try socket.endpoint.connect(to: try address.find(socket.endpoint.type), isNonBlocking: socket.isNonBlocking)
    return 0
  }

  /// accept(2)
  static func accept(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try accept(arguments, flags: [])
  }

  /// accept4(2)
  static func accept4(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = OpenFlags(rawValue: UInt32(truncatingIfNeeded: arguments.fourth))
    guard flags.isSubset(of: [.nonBlocking, .closeOnExec]) else { throw .invalid }
    return try accept(arguments, flags: flags)
  }

  private static func accept(_ arguments: SystemCallArguments, flags: OpenFlags) throws(Errno) -> Int64 {
    let listener = try socket(behind: arguments.first)
    return try addDescriptor(closesOnExec: flags.contains(.closeOnExec)) { () throws(Errno) in
      guard Frames.freeCount > Frames.reserve else { throw .noBufferSpace }
      let endpoint = try listener.endpoint.accept(isNonBlocking: listener.isNonBlocking)
      let socket = Socket(endpoint, flags: flags)
      if arguments.second != 0 {
        let name = UnixEndpoint.lock.withLock { endpoint.peer?.name }
        try SocketAddress.store(name, to: arguments.second, size: arguments.third)
      }
      return socket
    }
  }

  /// getsockname(2)
  static func getsockname(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let endpoint = try socket(behind: arguments.first).endpoint
    let name = UnixEndpoint.lock.withLock { endpoint.name }
    try SocketAddress.store(name, to: arguments.second, size: arguments.third)
    return 0
  }

  /// getpeername(2)
  static func getpeername(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let endpoint = try socket(behind: arguments.first).endpoint
    // A peer that has gone is still the one that it was.
    let (isKnown, name) = UnixEndpoint.lock.withLock {
      if let peer = endpoint.peer { return (true, peer.name) }
      return (endpoint.type.isConnected && endpoint.wasConnected, endpoint.formerPeerName)
    }
    guard isKnown else { throw .notConnected }
    try SocketAddress.store(name, to: arguments.second, size: arguments.third)
    return 0
  }

  /// shutdown(2)
  static func shutdown(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let endpoint = try socket(behind: arguments.first).endpoint
    switch Int32(truncatingIfNeeded: arguments.second) {
    case 0: endpoint.shutDown(receive: true, send: false)
    case 1: endpoint.shutDown(receive: false, send: true)
    case 2: endpoint.shutDown(receive: true, send: true)
    default: throw .invalid
    }
    return 0
  }
}
