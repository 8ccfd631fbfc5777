import Core
import Machine

/// The names that Unix sockets are bound to: abstract ones, which begin with a zero byte, and files.
enum SocketNames {
  private struct Binding {
    /// The file, or nil for an abstract name.
    var node: FileNode?
    var name: [UInt8]
    var type: SocketType
    var endpoint: Unmanaged<UnixEndpoint>
  }

  /// Guards the bindings. No lock is taken inside but the heap's.
  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var bindings: HeapArray<Binding>?
  nonisolated(unsafe) private static var nextAutomatic: UInt32 = 0

  private static func isSame(_ first: [UInt8], _ second: [UInt8]) -> Bool {
    guard first.count == second.count else { return false }
    for index in 0..<first.count where first[index] != second[index] { return false }
    return true
  }

  /// Binds an abstract name, or a file that has just been made for it.
  static func bind(_ endpoint: UnixEndpoint, _ name: [UInt8], node: FileNode?) throws(Errno) {
    let type = endpoint.type
    let failure: Errno? = lock.withLock {
      if node == nil, index({ $0.node == nil && $0.type == type && isSame($0.name, name) }) != nil {
        return .addressInUse
      }
      if bindings == nil { bindings = HeapArray() }
      guard bindings!.makeRoom() else { return .outOfMemory }
      bindings!.append(Binding(node: node, name: name, type: type, endpoint: Unmanaged.passUnretained(endpoint)))
      return nil
    }
    if let failure { throw failure }
  }

  /// An abstract name that nobody has (unix(7), Autobind feature): five hexadecimal digits.
  static func makeAutomatic() -> [UInt8] {
    let number = lock.withLock {
      nextAutomatic = (nextAutomatic + 1) & 0xFFFFF
      return nextAutomatic
    }
    var name: [UInt8] = [0]
    for digit in 0..<5 {
      let value = UInt8(truncatingIfNeeded: number >> (16 - 4 * UInt32(digit)) & 0xF)
      name.append(value < 10 ? 48 + value : 87 + value)
    }
    return name
  }

  /// The socket is closed: its name is free; a file stays, and leads nowhere.
  static func unbind(_ endpoint: UnixEndpoint) {
    var removed: Binding?
    lock.withLock {
      let own = Unmanaged.passUnretained(endpoint).toOpaque()
      if let index = index({ $0.endpoint.toOpaque() == own }) { removed = bindings!.remove(at: index) }
    }
    withExtendedLifetime(removed) {}
  }

  /// The first binding of which something is true. The lock is held.
  private static func index(_ isSought: (Binding) -> Bool) -> Int? {
    for index in 0..<(bindings?.count ?? 0) where isSought(bindings![index]) { return index }
    return nil
  }

  static func find(abstract name: [UInt8], _ type: SocketType) -> UnixEndpoint? {
    lock.withLock {
      index { $0.node == nil && $0.type == type && isSame($0.name, name) }
        .flatMap { retainUnlessEnding(bindings![$0].endpoint) }
    }
  }

  static func find(node: FileNode) -> UnixEndpoint? {
    lock.withLock {
      index { $0.node === node }.flatMap { retainUnlessEnding(bindings![$0].endpoint) }
    }
  }
}
