import Core
import Machine

/// Descriptors, and what belongs to them.
extension SystemCalls {
  private static var files: DescriptorTable { Scheduler.current.pointee.process!.files }

  /// dup(2)
  static func dup(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try addDescriptor(anyFile(arguments.first), closesOnExec: false)
  }

  /// dup2(2)
  static func dup2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let file = try anyFile(arguments.first)
    let number = Int32(truncatingIfNeeded: arguments.second)
    if number == Int32(truncatingIfNeeded: arguments.first) { return Int64(number) }
    try files.put(file, at: number, closesOnExec: false, limit: descriptorLimit)
    return Int64(number)
  }

  /// dup3(2)
  static func dup3(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let number = Int32(truncatingIfNeeded: arguments.second)
    let flags = OpenFlags(rawValue: UInt32(truncatingIfNeeded: arguments.third))
    guard flags.isSubset(of: .closeOnExec), number != Int32(truncatingIfNeeded: arguments.first) else {
      throw .invalid
    }
    let file = try anyFile(arguments.first)
    try files.put(file, at: number, closesOnExec: flags.contains(.closeOnExec), limit: descriptorLimit)
    return Int64(number)
  }

  /// fcntl(2)'s commands, with Linux's values.
  private enum FileControl {
    static var duplicate: UInt32 { 0 }
    static var getDescriptorFlags: UInt32 { 1 }
    static var setDescriptorFlags: UInt32 { 2 }
    static var getFlags: UInt32 { 3 }
    static var setFlags: UInt32 { 4 }
    static var getLock: UInt32 { 5 }
    static var setLock: UInt32 { 6 }
    static var setLockAndWait: UInt32 { 7 }
    static var setOwner: UInt32 { 8 }
    static var getOwner: UInt32 { 9 }
    static var setSignal: UInt32 { 10 }
    static var getSignal: UInt32 { 11 }
    static var setTypedOwner: UInt32 { 15 }
    static var getTypedOwner: UInt32 { 16 }
    static var getFileLock: UInt32 { 36 }
    static var setFileLock: UInt32 { 37 }
    static var setFileLockAndWait: UInt32 { 38 }
    static var setLease: UInt32 { 1024 }
    static var getLease: UInt32 { 1025 }
    static var notify: UInt32 { 1026 }
    static var duplicateClosingOnExec: UInt32 { 1030 }
  }

  /// fcntl(2)
  static func fcntl(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let descriptor = Int32(truncatingIfNeeded: arguments.first)
    let command = UInt32(truncatingIfNeeded: arguments.second)
    let argument = arguments.third
    let file = try anyFile(arguments.first)
    switch command {
    case FileControl.duplicate, FileControl.duplicateClosingOnExec:
      let minimum = Int64(bitPattern: argument)
      guard minimum >= 0, minimum < Int64(descriptorLimit) else { throw .invalid }
      return try addDescriptor(
        file, closesOnExec: command == FileControl.duplicateClosingOnExec, minimum: Int32(minimum))
    case FileControl.getDescriptorFlags: return try files.closesOnExec(descriptor) ? 1 : 0
    case FileControl.setDescriptorFlags:
      try files.setClosesOnExec(descriptor, argument & 1 != 0)
      return 0
    case FileControl.getFlags: return Int64(file.flags.rawValue)
    default: break
    }
    if file.flags.contains(.path) { throw .badFile }
    switch command {
    case FileControl.setFlags:
      try setFlags(of: file, descriptor, OpenFlags(rawValue: UInt32(truncatingIfNeeded: argument)))
      return 0
    case FileControl.getLock, FileControl.getFileLock:
      try getLock(file, argument, isOfOpenFile: command == FileControl.getFileLock)
      return 0
    case FileControl.setLock, FileControl.setLockAndWait:
      try setLock(file, descriptor, argument, isOfOpenFile: false, waits: command == FileControl.setLockAndWait)
      return 0
    case FileControl.setFileLock, FileControl.setFileLockAndWait:
      try setLock(file, descriptor, argument, isOfOpenFile: true, waits: command == FileControl.setFileLockAndWait)
      return 0
    case FileControl.setOwner:
      try setOwner(of: file, Int32(truncatingIfNeeded: argument))
      return 0
    case FileControl.getOwner: return Int64(Processes.lock.withLock { file.asynchronousOwner.signedIdentifier })
    case FileControl.setTypedOwner:
      try setOwner(of: file, from: argument)
      return 0
    case FileControl.getTypedOwner:
      try getOwner(of: file, to: argument)
      return 0
    case FileControl.setSignal:
      guard argument <= 64 else { throw .invalid }
      Processes.lock.withLock { file.asynchronousOwner.signal = UInt8(argument) }
      return 0
    case FileControl.getSignal: return Int64(Processes.lock.withLock { file.asynchronousOwner.signal })
    case FileControl.getLease: return 2  // F_UNLCK
    case FileControl.setLease: throw .tryAgain
    case FileControl.notify: throw .invalid
    default: return try file.manipulate(command, argument)
    }
  }

  /// F_SETFL: what can be changed is, the rest is ignored.
  private static func setFlags(of file: OpenFile, _ descriptor: Int32, _ flags: OpenFlags) throws(Errno) {
    let changeable: OpenFlags = [.append, .nonBlocking, .direct, .noAccessTime]
    if flags.contains(.noAccessTime), !file.flags.contains(.noAccessTime), !FileIdentity.current.owns(file.node) {
      throw .notPermitted
    }
    if flags.symmetricDifference(file.flags).contains(.asynchronous) {
      try AsynchronousNotice.set(flags.contains(.asynchronous), file, descriptor: descriptor)
    }
    file.flags = file.flags.subtracting(changeable).union(flags.intersection(changeable))
  }

  /// F_SETOWN: a process, or the group of a negative number.
  private static func setOwner(of file: OpenFile, _ owner: Int32) throws(Errno) {
    guard owner != .min else { throw .invalid }
    try file.setAsynchronousOwner(owner < 0 ? .group : .process, abs(owner))
  }

  /// F_SETOWN_EX: a `struct f_owner_ex`, of a kind and a number.
  private static func setOwner(of file: OpenFile, from address: UInt64) throws(Errno) {
    guard let (kind, identifier) = UserMemory.load((UInt32(0), Int32(0)), from: address) else { throw .badAddress }
    guard let kind = AsynchronousOwner.Kind(rawValue: kind) else { throw .invalid }
    try file.setAsynchronousOwner(kind, identifier)
  }

  /// F_GETOWN_EX
  private static func getOwner(of file: OpenFile, to address: UInt64) throws(Errno) {
    let owner = Processes.lock.withLock { file.asynchronousOwner }
    guard UserMemory.store((owner.kind.rawValue, owner.identifier), to: address) else { throw .badAddress }
  }

  // MARK: Locks

  /// Linux's struct flock.
  private struct LockDescription: BitwiseCopyable {
    /// The type in bits 0 to 15, whence in bits 16 to 31.
    var typeAndWhence: UInt64 = 0
    var start: Int64 = 0
    var length: Int64 = 0
    /// The process in bits 0 to 31.
    var process: UInt64 = 0
  }

  private enum LockType {
    static var read: UInt64 { 0 }
    static var write: UInt64 { 1 }
    static var unlock: UInt64 { 2 }
  }

  private static func readLock(
    _ file: OpenFile, _ address: UInt64, isQuestion: Bool = false
  ) throws(Errno) -> (LockDescription, start: Int64, last: Int64) {
    guard let description = UserMemory.load(LockDescription(), from: address) else { throw .badAddress }
    // Who asks for a lock names one before anything else of it is looked at.
    let type = description.typeAndWhence & 0xFFFF
    if isQuestion, type != LockType.read, type != LockType.write { throw .invalid }
    let base: Int64
    switch Int32(description.typeAndWhence >> 16 & 0xFFFF) {
    case Whence.set: base = 0
    case Whence.current: base = file.offset
    case Whence.end: base = file.node.size
    default: throw .invalid
    }
    let range = try RecordLocks.range(start: description.start, length: description.length, base: base)
    return (description, range.start, range.last)
  }

  private static func makeRecord(
    _ file: OpenFile, _ type: UInt64, start: Int64, last: Int64, isOfOpenFile: Bool
  ) throws(Errno) -> RecordLocks.Record {
    guard type == LockType.read || type == LockType.write else { throw .invalid }
    return RecordLocks.Record(
      owner: isOfOpenFile ? FileLocks.owner(file) : FileLocks.owner(files),
      process: isOfOpenFile ? -1 : Scheduler.current.pointee.processIdentifier,
      kind: type == LockType.read ? .shared : .exclusive, start: start, last: last)
  }

  private static func getLock(_ file: OpenFile, _ address: UInt64, isOfOpenFile: Bool) throws(Errno) {
    var (description, start, last) = try readLock(file, address, isQuestion: true)
    if isOfOpenFile, description.process & 0xFFFF_FFFF != 0 { throw .invalid }
    let type = description.typeAndWhence & 0xFFFF
    let wanted = try makeRecord(file, type, start: start, last: last, isOfOpenFile: isOfOpenFile)
    if let found = FileLocks.conflict(with: wanted, on: file.node) {
      description.typeAndWhence = found.kind == .shared ? LockType.read : LockType.write
      description.start = found.start
      description.length = found.last == .max ? 0 : found.last - found.start + 1
      description.process = UInt64(UInt32(bitPattern: found.process))
    } else {
      description.typeAndWhence = description.typeAndWhence & ~0xFFFF | LockType.unlock
    }
    guard UserMemory.store(description, to: address) else { throw .badAddress }
  }

  private static func setLock(
    _ file: OpenFile, _ descriptor: Int32, _ address: UInt64, isOfOpenFile: Bool, waits: Bool
  ) throws(Errno) {
    let (description, start, last) = try readLock(file, address)
    if isOfOpenFile, description.process & 0xFFFF_FFFF != 0 { throw .invalid }
    let type = description.typeAndWhence & 0xFFFF
    if type == LockType.unlock {
      try FileLocks.unlockRange(
        owner: isOfOpenFile ? FileLocks.owner(file) : FileLocks.owner(files), on: file.node,
        isOfOpenFile ? .openFile : .process, start: start, last: last)
      return
    }
    let wanted = try makeRecord(file, type, start: start, last: last, isOfOpenFile: isOfOpenFile)
    guard type == LockType.read ? file.flags.isReadable : file.flags.isWritable else { throw .badFile }
    if isOfOpenFile { file.mayOwnLocks = true } else { file.node.mayHaveRecordLocks = true }
    try FileLocks.set(wanted, on: file.node, isOfOpenFile ? .openFile : .process, waits: waits)
    if isOfOpenFile || (try? files.file(descriptor)) === file { return }
    // Another thread has closed the descriptor, and the process's locks on the file with it: this one came too late.
    FileLocks.unlock(owner: wanted.owner, on: file.node, .process, start: start, last: last)
    throw .badFile
  }

  /// flock(2)
  static func flock(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let operation = UInt32(truncatingIfNeeded: arguments.second)
    // Linux has given up LOCK_MAND, and takes it for success.
    if operation & 32 != 0 { return 0 }
    // LOCK_SH 1, LOCK_EX 2, LOCK_NB 4, LOCK_UN 8
    switch operation & ~4 {
    case 1, 2, 8: break
    default: throw .invalid
    }
    let file = try file(arguments.first)
    let kind: RecordLocks.Kind
    switch operation & ~4 {
    case 1: kind = .shared
    case 2: kind = .exclusive
    case 8:
      FileLocks.unlock(owner: FileLocks.owner(file), on: file.node, .whole)
      return 0
    default: throw .invalid
    }
    file.mayOwnLocks = true
    let wanted = RecordLocks.Record(
      owner: FileLocks.owner(file), process: Scheduler.current.pointee.processIdentifier, kind: kind, start: 0,
      last: .max)
    try FileLocks.set(wanted, on: file.node, .whole, waits: operation & 4 == 0)
    return 0
  }
}
