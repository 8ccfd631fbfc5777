import Core
import Machine

/// What the system calls itself.
enum SystemIdentity {
  /// Guards the two names, each of 64 bytes at most, then zeros.
  nonisolated(unsafe) static var lock = SpinLock()
  nonisolated(unsafe) static var hostName: UnsafeMutablePointer<UInt8>?
  nonisolated(unsafe) static var domainName: UnsafeMutablePointer<UInt8>?

  static var release: StaticString { "6.1.0-needletail" }
  static var version: StaticString { "#1 SMP Needletail" }

  static func initialize() {
    hostName = KernelHeap.allocateArray(of: UInt8.self, count: 65, repeating: 0)
    domainName = KernelHeap.allocateArray(of: UInt8.self, count: 65, repeating: 0)
    set(hostName!, to: ByteView("needletail"))
    set(domainName!, to: ByteView("(none)"))
  }

  static func set(_ name: UnsafeMutablePointer<UInt8>, to text: ByteView) {
    for index in 0..<65 { name[index] = index < text.count ? text[index] : 0 }
  }
}

extension SystemCalls {
  /// uname(2): six fields of 65 bytes.
  static func uname(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var fields = InlineArray<390, UInt8>(repeating: 0)
    func put(_ text: ByteView, _ field: Int) {
      for index in 0..<min(text.count, 64) { fields[field * 65 + index] = text[index] }
    }
    put(ByteView("Linux"), 0)
    put(ByteView(SystemIdentity.release), 2)
    put(ByteView(SystemIdentity.version), 3)
    put(ByteView("x86_64"), 4)
    SystemIdentity.lock.withLock {
      for index in 0..<65 {
        fields[65 + index] = SystemIdentity.hostName![index]
        fields[5 * 65 + index] = SystemIdentity.domainName![index]
      }
    }
    guard UserMemory.store(fields, to: arguments.first) else { throw .badAddress }
    return 0
  }

  /// sethostname(2)
  static func sethostname(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try setName(SystemIdentity.hostName!, arguments)
  }

  /// setdomainname(2)
  static func setdomainname(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try setName(SystemIdentity.domainName!, arguments)
  }

  private static func setName(
    _ name: UnsafeMutablePointer<UInt8>, _ arguments: SystemCallArguments
  ) throws(Errno) -> Int64 {
    guard Scheduler.current.pointee.process!.hasCapability(.administration) else { throw .notPermitted }
    let count = Int(Int32(truncatingIfNeeded: arguments.second))
    guard count >= 0, count <= 64 else { throw .invalid }
    var bytes = InlineArray<64, UInt8>(repeating: 0)
    let isRead = withUnsafeMutableBytes(of: &bytes) {
      UserMemory.copyIn($0.baseAddress!, from: arguments.first, count: count)
    }
    guard isRead else { throw .badAddress }
    withUnsafeBytes(of: bytes) { bytes in
      SystemIdentity.lock.withLock {
        SystemIdentity.set(name, to: ByteView(UnsafeRawBufferPointer(rebasing: bytes[0..<count])))
      }
    }
    return 0
  }
}
