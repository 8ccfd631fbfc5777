import Core
import Machine

/// `struct msghdr` as a program gives it (sendmsg(2)).
struct SocketMessageHeader: BitwiseCopyable {
  var name: UInt64 = 0
  var nameSize: UInt64 = 0
  var vector: UInt64 = 0
  var vectorCount: UInt64 = 0
  var control: UInt64 = 0
  var controlSize: UInt64 = 0
  var flags: UInt64 = 0

  static var size: UInt64 { 56 }

  init() {}

  init(at address: UInt64) throws(Errno) {
    guard let header = UserMemory.load(SocketMessageHeader(), from: address) else { throw .badAddress }
    self = header
  }

  /// Calls `body` with the pieces of memory that the header names.
  func withBuffer<Result>(
    _ body: (inout TransferBuffer) throws(Errno) -> Result
  ) throws(Errno) -> Result {
    guard vectorCount <= 1024 else { throw .messageTooLong }
    let count = Int(vectorCount)
    let size = max(count, 1) * MemoryLayout<TransferBuffer.Piece>.stride
    guard let memory = KernelHeap.allocate(size: size, alignment: 8) else { throw .outOfMemory }
    defer { KernelHeap.deallocate(memory) }
    let pieces = memory.bindMemory(to: TransferBuffer.Piece.self, capacity: max(count, 1))
    var total: UInt64 = 0
    for index in 0..<count {
      // `struct iovec`
      let place = vector &+ UInt64(index) * 16
      guard let address = UserMemory.load(UInt64(0), from: place),
        let length = UserMemory.load(UInt64(0), from: place &+ 8)
      else { throw .badAddress }
      guard length <= UInt64(Int64.max) else { throw .invalid }
      let portion = min(length, SystemCalls.transferLimit - total)
      total += portion
      guard UserMemory.contains(address, count: Int(portion)) else { throw .badAddress }
      (pieces + index).initialize(to: TransferBuffer.Piece(address: address, count: Int(portion)))
    }
    var buffer = TransferBuffer(user: UnsafeBufferPointer(start: pieces, count: count))
    return try body(&buffer)
  }
}

/// Control messages (cmsg(3)): SCM_RIGHTS and SCM_CREDENTIALS.
enum SocketControl {
  /// Files that one message may carry.
  private static var fileLimit: Int { 253 }
  private static var headerSize: UInt64 { 16 }
  private static var rights: UInt64 { 1 | 1 << 32 }
  private static var credentials: UInt64 { 1 | 2 << 32 }

  /// What a program sends along.
  static func load(
    _ header: SocketMessageHeader
  ) throws(Errno) -> (credentials: SocketCredentials, files: [OpenFile]) {
    var sender = SocketCredentials.current
    var files: [OpenFile] = []
    guard header.control != 0 else { return (sender, files) }
    guard header.controlSize <= 20_480 else { throw .noBufferSpace }
    var offset: UInt64 = 0
    while header.controlSize - offset >= headerSize {
      let place = header.control &+ offset
      guard let size = UserMemory.load(UInt64(0), from: place),
        let kind = UserMemory.load(UInt64(0), from: place &+ 8)
      else { throw .badAddress }
      guard size >= headerSize, size <= header.controlSize - offset else { throw .invalid }
      if kind == rights {
        let count = Int(size - headerSize) / 4
        guard files.count + count <= fileLimit else { throw .invalid }
        // The call may have to wait with them.
        guard Frames.freeCount > Frames.reserve else { throw .noBufferSpace }
        if SocketMessage.hasTooManyFilesInFlight {
          SocketGarbage.collectIfUseful()
          if SocketMessage.hasTooManyFilesInFlight { throw .tooManyReferences }
        }
        for index in 0..<count {
          guard let descriptor = UserMemory.load(Int32(0), from: place &+ headerSize &+ UInt64(index) * 4) else {
            throw .badAddress
          }
          files.append(try Scheduler.current.pointee.process!.files.file(descriptor))
        }
      } else if kind == credentials {
        guard size == headerSize + 12 else { throw .invalid }
        guard let given = UserMemory.load(sender, from: place &+ headerSize) else { throw .badAddress }
        try check(given)
        sender = given
      } else if kind & 0xFFFF_FFFF == 1 {
        throw .invalid
      }
      // The next header is aligned; the last may not be padded.
      let step = (size + 7) & ~7
      if step > header.controlSize - offset { break }
      offset += step
    }
    return (sender, files)
  }

  /// Whether a process may say that it is this one (unix(7)).
  private static func check(_ given: SocketCredentials) throws(Errno) {
    let process = Scheduler.current.pointee.process!
    let own = process.lock.withLock { process.attributes.credentials }
    let user = own.user
    let group = own.group
    let isUser = given.user == user.real || given.user == user.effective || given.user == user.saved
    let isGroup = given.group == group.real || given.group == group.effective || given.group == group.saved
    let may = own.effective
    guard given.process == process.identifier || may.contains(.administration),
      isUser || may.contains(.setUserIDs), isGroup || may.contains(.setGroupIDs)
    else { throw .notPermitted }
    if given.process != process.identifier, Processes.find(given.process) == nil { throw .noProcess }
  }

  /// Gives a program what came along, as far as it has room: what it cannot be given, as memory that is not there, is
  /// lost, and the bytes are not.
  ///
  /// - Returns: the bytes that it got, and the flags of what it did not.
  static func store(
    _ receipt: SocketReceipt, _ header: SocketMessageHeader, passesCredentials: Bool, closesOnExec: Bool
  ) -> (size: UInt64, flags: SocketTransferFlags) {
    var offset: UInt64 = 0
    var flags: SocketTransferFlags = []
    let room = header.control == 0 ? 0 : header.controlSize
    if passesCredentials {
      if room >= headerSize + 12 {
        let sender = receipt.credentials ?? .none
        if UserMemory.store(headerSize + 12, to: header.control),
          UserMemory.store(credentials, to: header.control &+ 8),
          UserMemory.store(sender, to: header.control &+ headerSize)
        {
          offset = min(headerSize + 16, room)
        }
      } else {
        flags.insert(.controlTruncated)
      }
    }
    guard !receipt.files.isEmpty else { return (offset, flags) }
    let fitting = room >= offset + headerSize ? Int(min((room - offset - headerSize) / 4, 253)) : 0
    let table: DescriptorTable = Scheduler.current.pointee.process!.files
    var count = 0
    while count < min(fitting, receipt.files.count) {
      guard let descriptor = try? table.reserve(limit: SystemCalls.descriptorLimit) else { break }
      guard UserMemory.store(descriptor, to: header.control &+ offset &+ headerSize &+ UInt64(count) * 4) else {
        table.giveBack(descriptor)
        break
      }
      table.fill(descriptor, with: receipt.files[count], closesOnExec: closesOnExec)
      count += 1
    }
    if count < receipt.files.count { flags.insert(.controlTruncated) }
    if count > 0 {
      let size = headerSize + UInt64(count) * 4
      if UserMemory.store(size, to: header.control &+ offset),
        UserMemory.store(rights, to: header.control &+ offset &+ 8)
      {
        offset = min(offset + (size + 7) & ~7, room)
      }
    }
    return (offset, flags)
  }
}
