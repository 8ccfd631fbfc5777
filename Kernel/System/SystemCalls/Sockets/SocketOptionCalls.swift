import Core
import Machine

/// Options of the level SOL_SOCKET (socket(7)), with Linux's numbers.
private enum SocketOption {
  static var sendBuffer: Int32 { 7 }
  static var receiveBuffer: Int32 { 8 }
  static var linger: Int32 { 13 }
  static var passCredentials: Int32 { 16 }
  static var peerCredentials: Int32 { 17 }
  static var receiveTimeout: Int32 { 20 }
  static var sendTimeout: Int32 { 21 }

  /// Those that are a number, which does nothing to a Unix socket: debug, reuse address, do not route, broadcast,
  /// keep alive, out-of-band inline, no check, priority, reuse port, low-water mark, time stamps.
  static func isIgnored(_ option: Int32) -> Bool {
    switch option {
    case 1, 2, 5, 6, 9, 10, 11, 12, 15, 18, 29, 35, 37: true
    default: false
    }
  }
}

extension SystemCalls {
  /// SOL_SOCKET
  private static var socketLevel: UInt64 { 1 }
  /// Twice what a program asks for is taken, and no less (socket(7)).
  private static var smallestBuffer: Int { 4608 }
  private static var largestBuffer: Int { 212_992 }

  /// setsockopt(2)
  static func setsockopt(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let endpoint = try socket(behind: arguments.first).endpoint
    let size = Int32(truncatingIfNeeded: arguments.fifth)
    guard size >= 0 else { throw .invalid }
    guard arguments.second & 0xFFFF_FFFF == socketLevel else { throw .notSupported }
    guard size >= 4 else { throw .invalid }
    guard let value = UserMemory.load(Int32(0), from: arguments.fourth) else { throw .badAddress }
    switch Int32(truncatingIfNeeded: arguments.third) {
    case SocketOption.sendBuffer, 32:
      endpoint.sendBuffer = max(min(max(Int(value), 0), largestBuffer) * 2, smallestBuffer)
      endpoint.readiness.notify([.output, .outputNormal])
    case SocketOption.receiveBuffer, 33:
      endpoint.receiveBuffer = max(min(max(Int(value), 0), largestBuffer) * 2, 2304)
    case SocketOption.passCredentials: endpoint.passesCredentials = value != 0
    case SocketOption.receiveTimeout: endpoint.receiveTimeout = try timeout(arguments, size)
    case SocketOption.sendTimeout: endpoint.sendTimeout = try timeout(arguments, size)
    case SocketOption.linger: guard size >= 8 else { throw .invalid }
    case let option where SocketOption.isIgnored(option): break
    default: throw .protocolOptionUnavailable
    }
    return 0
  }

  /// In nanoseconds.
  private static func timeout(_ arguments: SystemCallArguments, _ size: Int32) throws(Errno) -> UInt64 {
    guard size >= 16 else { throw .invalid }
    guard let time = UserMemory.load(TimeValue(nanoseconds: 0), from: arguments.fourth) else { throw .badAddress }
    guard let length = time.length else { throw .outOfDomain }
    return length
  }

  /// getsockopt(2)
  static func getsockopt(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let endpoint = try socket(behind: arguments.first).endpoint
    guard arguments.second & 0xFFFF_FFFF == socketLevel else { throw .notSupported }
    guard let room = UserMemory.load(Int32(0), from: arguments.fifth) else { throw .badAddress }
    guard room >= 0 else { throw .invalid }
    let value: Int32
    switch Int32(truncatingIfNeeded: arguments.third) {
    case 3: value = endpoint.type.rawValue  // SO_TYPE
    case 4: value = Int32(truncatingIfNeeded: endpoint.takeError()?.number ?? 0)  // SO_ERROR
    case 30: value = endpoint.isListening ? 1 : 0  // SO_ACCEPTCONN
    case 38: value = 0  // SO_PROTOCOL
    case 39: value = 1  // SO_DOMAIN
    case SocketOption.sendBuffer: value = Int32(truncatingIfNeeded: endpoint.sendBuffer)
    case SocketOption.receiveBuffer: value = Int32(truncatingIfNeeded: endpoint.receiveBuffer)
    case SocketOption.passCredentials: value = endpoint.passesCredentials ? 1 : 0
    case SocketOption.peerCredentials:
      return try store(endpoint.peerCredentials, 12, arguments, room: Int(room))
    case SocketOption.receiveTimeout:
      return try store(TimeValue(nanoseconds: endpoint.receiveTimeout), 16, arguments, room: Int(room))
    case SocketOption.sendTimeout:
      return try store(TimeValue(nanoseconds: endpoint.sendTimeout), 16, arguments, room: Int(room))
    case SocketOption.linger: return try store(UInt64(0), 8, arguments, room: Int(room))
    case 18, 19: value = 1  // SO_RCVLOWAT, SO_SNDLOWAT
    case let option where SocketOption.isIgnored(option): value = 0
    default: throw .protocolOptionUnavailable
    }
    return try store(value, 4, arguments, room: Int(room))
  }

  /// Stores an option's value, cut to the room that there is, and its size.
  private static func store<Value: BitwiseCopyable>(
    _ value: Value, _ size: Int, _ arguments: SystemCallArguments, room: Int
  ) throws(Errno) -> Int64 {
    let count = min(room, size)
    let isStored = withUnsafeBytes(of: value) {
      UserMemory.copyOut($0.baseAddress!, to: arguments.fourth, count: count)
    }
    guard isStored, UserMemory.store(Int32(count), to: arguments.fifth) else { throw .badAddress }
    return 0
  }
}
