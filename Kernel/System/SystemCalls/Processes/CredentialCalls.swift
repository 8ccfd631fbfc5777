import Core
import Machine

/// Users, groups and capabilities. What is permitted is decided by `Credentials`.
extension SystemCalls {
  private static var credentials: Credentials { Scheduler.current.pointee.process!.credentials }

  /// Changes the credentials, where `body` finds that permitted.
  private static func change(_ body: (inout Credentials) -> Bool) throws(Errno) -> Int64 {
    let process = Scheduler.current.pointee.process!
    let isPermitted = process.lock.withLock {
      var new = process.attributes.credentials
      guard body(&new) else { return false }
      process.attributes.adopt(new)
      return true
    }
    guard isPermitted else { throw .notPermitted }
    return 0
  }

  private static func word(_ value: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: value) }

  /// getuid(2)
  static func getuid() -> Int64 { Int64(credentials.user.real) }

  /// getgid(2)
  static func getgid() -> Int64 { Int64(credentials.group.real) }

  /// geteuid(2)
  static func geteuid() -> Int64 { Int64(credentials.user.effective) }

  /// getegid(2)
  static func getegid() -> Int64 { Int64(credentials.group.effective) }

  /// setuid(2)
  static func setuid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let identifier = word(arguments.first)
    guard identifier != Credentials.unchanged else { throw .invalid }
    return try change { $0.setuid(identifier) }
  }

  /// setgid(2)
  static func setgid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let identifier = word(arguments.first)
    guard identifier != Credentials.unchanged else { throw .invalid }
    return try change { $0.setgid(identifier) }
  }

  /// setreuid(2)
  static func setreuid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try change { $0.setreuid(real: word(arguments.first), effective: word(arguments.second)) }
  }

  /// setregid(2)
  static func setregid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try change { $0.setregid(real: word(arguments.first), effective: word(arguments.second)) }
  }

  /// setresuid(2)
  static func setresuid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try change {
      $0.setresuid(
        real: word(arguments.first), effective: word(arguments.second), saved: word(arguments.third))
    }
  }

  /// setresgid(2)
  static func setresgid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try change {
      $0.setresgid(
        real: word(arguments.first), effective: word(arguments.second), saved: word(arguments.third))
    }
  }

  /// getresuid(2)
  static func getresuid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try store(credentials.user, arguments)
  }

  /// getresgid(2)
  static func getresgid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try store(credentials.group, arguments)
  }

  private static func store(
    _ identifiers: Credentials.Identifiers, _ arguments: SystemCallArguments
  ) throws(Errno) -> Int64 {
    guard UserMemory.store(identifiers.real, to: arguments.first),
      UserMemory.store(identifiers.effective, to: arguments.second),
      UserMemory.store(identifiers.saved, to: arguments.third)
    else { throw .badAddress }
    return 0
  }

  /// setfsuid(2): returns the identifier as it was.
  static func setfsuid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let old = credentials.user.fileSystem
    _ = try change {
      $0.setfsuid(word(arguments.first))
      return true
    }
    return Int64(old)
  }

  /// setfsgid(2)
  static func setfsgid(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let old = credentials.group.fileSystem
    _ = try change {
      $0.setfsgid(word(arguments.first))
      return true
    }
    return Int64(old)
  }

  /// getgroups(2)
  static func getgroups(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let process = Scheduler.current.pointee.process!
    let size = Int(Int32(truncatingIfNeeded: arguments.first))
    guard size >= 0 else { throw .invalid }
    guard let groups = process.lock.withLock({ process.attributes.groups }) else { return 0 }
    let count = groups.identifiers.count
    if size == 0 { return Int64(count) }
    guard size >= count else { throw .invalid }
    guard
      count == 0
        || UserMemory.copyOut(groups.identifiers.baseAddress!, to: arguments.second, count: count * 4)
    else { throw .badAddress }
    return Int64(count)
  }

  /// setgroups(2)
  static func setgroups(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let process = Scheduler.current.pointee.process!
    guard process.hasCapability(.setGroupIDs) else { throw .notPermitted }
    let count = Int(word(arguments.first))
    guard count <= SupplementaryGroups.limit else { throw .invalid }
    guard let groups = SupplementaryGroups(count: count) else { throw .outOfMemory }
    guard
      count == 0
        || UserMemory.copyIn(groups.identifiers.baseAddress!, from: arguments.second, count: count * 4)
    else { throw .badAddress }
    // As getgroups(2) will give them.
    guard !groups.identifiers.contains(Credentials.unchanged) else { throw .invalid }
    HeapSort.sort(groups.identifiers)
    process.lock.withLock { process.attributes.groups = groups }
    return 0
  }

  // MARK: Capabilities

  /// `struct __user_cap_header_struct`
  private struct CapabilityHeader: BitwiseCopyable {
    var version: UInt32 = 0
    var identifier: Int32 = 0
  }

  /// The versions of the interface, and how many words of each set they have.
  private static func capabilityWords(of header: CapabilityHeader) -> Int? {
    switch header.version {
    case 0x1998_0330: 1
    case 0x2007_1026, 0x2008_0522: 2
    default: nil
    }
  }

  /// Reads the header; an unknown version is answered with the one that is preferred.
  private static func capabilityHeader(
    _ arguments: SystemCallArguments
  ) throws(Errno) -> (header: CapabilityHeader, words: Int) {
    guard var header = UserMemory.load(CapabilityHeader(), from: arguments.first) else { throw .badAddress }
    if let words = capabilityWords(of: header) { return (header, words) }
    header.version = 0x2008_0522
    guard UserMemory.store(header, to: arguments.first) else { throw .badAddress }
    // With no place for the sets, that was the question.
    throw arguments.second == 0 ? .notImplemented : .invalid
  }

  /// capget(2)
  static func capget(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let header: CapabilityHeader
    let count: Int
    do throws(Errno) {
      (header, count) = try capabilityHeader(arguments)
    } catch {
      if error == .notImplemented { return 0 }
      throw error
    }
    if header.identifier < 0 { throw .invalid }
    var target = credentials
    if header.identifier != 0, header.identifier != Scheduler.current.pointee.identifier {
      guard let process = Threads.process(ofThread: header.identifier) else { throw .noProcess }
      target = process.credentials
    }
    if arguments.second == 0 { return 0 }
    var words = InlineArray<6, UInt32>(repeating: 0)
    for half in 0..<2 {
      let shift = UInt64(half) * 32
      words[half * 3] = UInt32(truncatingIfNeeded: target.effective.rawValue >> shift)
      words[half * 3 + 1] = UInt32(truncatingIfNeeded: target.permitted.rawValue >> shift)
      words[half * 3 + 2] = UInt32(truncatingIfNeeded: target.inheritable.rawValue >> shift)
    }
    let isStored = withUnsafeBytes(of: words) {
      UserMemory.copyOut($0.baseAddress!, to: arguments.second, count: count * 12)
    }
    guard isStored else { throw .badAddress }
    return 0
  }

  /// capset(2): of the caller alone.
  static func capset(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let (header, count): (CapabilityHeader, Int)
    do throws(Errno) { (header, count) = try capabilityHeader(arguments) } catch {
      throw error == .notImplemented ? .invalid : error
    }
    guard header.identifier == 0 || header.identifier == Scheduler.current.pointee.identifier else {
      throw .notPermitted
    }
    var words = InlineArray<6, UInt32>(repeating: 0)
    let isRead = withUnsafeMutableBytes(of: &words) {
      UserMemory.copyIn($0.baseAddress!, from: arguments.second, count: count * 12)
    }
    guard isRead else { throw .badAddress }
    func set(_ index: Int) -> Capabilities {
      Capabilities(rawValue: UInt64(words[index]) | UInt64(words[index + 3]) << 32).intersection(.all)
    }
    return try change {
      $0.setCapabilities(effective: set(0), permitted: set(1), inheritable: set(2))
    }
  }
}
