import Core
import Machine

/// `struct sockaddr_un` as programs give it (unix(7)).
///
/// Not an enumeration with the name in two of its cases: Swift would keep the case in bits of the name's pointer that
/// are free in a program and not in the kernel.
struct SocketAddress {
  enum Kind {
    /// AF_UNSPEC, which ends the tie of a datagram socket.
    case none
    /// No name: the kernel finds one.
    case automatic
    /// The name begins with a zero byte.
    case abstract
    case path
  }

  let kind: Kind
  var name: [UInt8] = []

  /// Reads an address.
  init(at address: UInt64, count: UInt64) throws(Errno) {
    let count = Int(count & 0xFFFF_FFFF)
    guard count <= 128 else { throw .invalid }
    guard count >= 2 else { throw .invalid }
    guard let family = UserMemory.load(UInt16(0), from: address) else { throw .badAddress }
    if family == 0 {
      kind = .none
      return
    }
    guard family == 1, count <= 110 else { throw .invalid }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    for index in 0..<count - 2 {
      guard let byte = UserMemory.load(UInt8(0), from: address + 2 + UInt64(index)) else { throw .badAddress }
      bytes.append(byte)
    }
    if bytes.isEmpty {
      kind = .automatic
    } else if bytes[0] == 0 {
      kind = .abstract
      name = bytes
    } else {
      kind = .path
      var length = 0
      while length < bytes.count, bytes[length] != 0 { length += 1 }
      name = [UInt8](bytes[0..<length])
    }
  }

  /// The socket that has this name. Abstract names are each type's own.
  func find(_ type: SocketType) throws(Errno) -> UnixEndpoint {
    let found: UnixEndpoint?
    switch kind {
    case .none, .automatic: throw .invalid
    case .abstract: found = SocketNames.find(abstract: name, type)
    case .path: found = SocketNames.find(node: try SocketPaths.find(name))
    }
    guard let found else { throw .connectionRefused }
    return found
  }

  /// Writes a name to where a program wants it, cut to the room that it has.
  ///
  /// - Parameter size: where the size of the room is, and the name's own size is put.
  static func store(_ name: [UInt8]?, to address: UInt64, size: UInt64) throws(Errno) {
    guard let room = UserMemory.load(Int32(0), from: size) else { throw .badAddress }
    guard room >= 0 else { throw .invalid }
    let length = try store(name, to: address, room: Int(room))
    guard UserMemory.store(Int32(length), to: size) else { throw .badAddress }
  }

  /// - Returns: the name's whole size.
  static func store(_ name: [UInt8]?, to address: UInt64, room: Int) throws(Errno) -> Int {
    var bytes: [UInt8] = [1, 0]
    if let name {
      bytes.append(contentsOf: name)
      if let first = name.first, first != 0 { bytes.append(0) }
    }
    let count = min(room, bytes.count)
    let isStored = bytes.withUnsafeBytes { UserMemory.copyOut($0.baseAddress!, to: address, count: count) }
    guard isStored else { throw .badAddress }
    return bytes.count
  }
}
