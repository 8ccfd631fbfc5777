import Core
import Machine

/// The names that Unix sockets are bound to: abstract ones, which begin with a zero byte, and files.
enum SocketNames {
  private struct Binding {
    /// The file, or nil for an abstract name.
    var node: FileNode?
    var name: [UInt8]
    var endpoint: Unmanaged<UnixEndpoint>
  }

  /// Guards the bindings. No lock is taken inside but the heap's.
  nonisolated(unsafe) private static var lock = SpinLock()
  nonisolated(unsafe) private static var bindings: [Binding]?
  nonisolated(unsafe) private static var nextAutomatic: UInt32 = 0

  private static func isSame(_ first: [UInt8], _ second: [UInt8]) -> Bool {
    guard first.count == second.count else { return false }
    for index in 0..<first.count where first[index] != second[index] { return false }
    return true
  }

  /// Binds an abstract name, or a file that has just been made for it.
  static func bind(_ endpoint: UnixEndpoint, _ name: [UInt8], node: FileNode?) throws(Errno) {
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let isFree = lock.withLock {
      if node == nil {
        for binding in bindings ?? [] where binding.node == nil && isSame(binding.name, name) { return false }
      }
      bindings = bindings ?? []
      bindings!.append(Binding(node: node, name: name, endpoint: Unmanaged.passUnretained(endpoint)))
      return true
    }
    guard isFree else { throw .addressInUse }
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
      guard let count = bindings?.count else { return }
      for index in 0..<count
      where bindings![index].endpoint.toOpaque() == Unmanaged.passUnretained(endpoint).toOpaque() {
        removed = bindings!.remove(at: index)
        return
      }
    }
    withExtendedLifetime(removed) {}
  }

  static func find(abstract name: [UInt8]) -> UnixEndpoint? {
    lock.withLock {
      for binding in bindings ?? [] where binding.node == nil && isSame(binding.name, name) {
        return retainUnlessEnding(binding.endpoint)
      }
      return nil
    }
  }

  static func find(node: FileNode) -> UnixEndpoint? {
    lock.withLock {
      for binding in bindings ?? [] where binding.node === node { return retainUnlessEnding(binding.endpoint) }
      return nil
    }
  }
}
